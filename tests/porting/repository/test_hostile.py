"""A published repository is hostile until proven: what nobody could have measured is refused in one bounded line."""

import copy
import hashlib
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from full_profile import SHA256, blank_profile, item
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_points import capacity, latency, partly, rate
from pydantic import ValidationError
from sealed import edit_index, laid_out, sealed
from torch import nn

from porting.commands import adopt
from porting.networks.manifest import Manifest, restore
from porting.repository import Repository
from porting.repository.compare import compare
from porting.repository.index_json import index_from_json, index_to_json
from porting.repository.interpolation import SOURCES
from porting.repository.operating_points import condition
from porting.repository.publishing.writer import publish
from porting.repository.schema import Step
from porting.repository.select import select
from porting.workspace.records import OnnxFile, Variant
from porting.workspace.workspace import Workspace
from profiler.common import files as record_files
from profiler.common.door import DETAILS_LIMIT_BYTES, INDEX_LIMIT_BYTES
from profiler.common.errors import BadInputError, DnnPortingError
from profiler.records.memory import MemoryPoint
from profiler.records.throughput import MaximalThroughput
from profiler.records.warm_up import FirstInference

Json = Any
Change = Callable[[Json], object]
A, B, TARGET = "digits-a", "digits-b", "local_cpu"
LONGEST_MESSAGE = 600
FIGURE = ("variants", 0, "targets", TARGET, "figures", "p50_ms")
STANDING = ("variants", 0, "targets", TARGET)
POINT = ("profiles", TARGET, "latency", 0)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two variants that are both published, with a few points of every kind that is looked up."""
    folder = tmp_path_factory.mktemp("original")
    items = []
    for name, images_per_s, accuracy in ((A, 100.0, 0.95), (B, 200.0, 0.9)):
        profile = blank_profile(
            latency=(latency(1), latency(4)),
            max_throughput=(rate(MaximalThroughput, 4, 4, images_per_s),),
            capacity=(capacity(1.0, 2.0),),
            memory=(partly(MemoryPoint, source="served processes", batch=1, peak_bytes=1 << 20),),
            first_inference=(
                partly(
                    FirstInference, batch=1, n=2, first_ms=9.0, first_min_ms=8.0, first_max_ms=10.0, warm_n=20,
                    warm_ms=2.0,
                ),
            ),
        )  # fmt: skip
        step = Step(stage="train", label="", key="0" * 64, settings={"epochs": 1}, versions={}, seconds=1.0)
        items.append(item(name, profile, folder, accuracy, lineage=[step]))
    return publish(folder / "published", items).storage.local


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy to be spoilt, beside a secret that nobody may read."""
    (tmp_path / "secret").write_text("{}")
    return shutil.copytree(original, tmp_path / "repository")


def exercise(folder: Path) -> None:
    """Everything that a reader offers."""
    repository = Repository.load(folder)
    repr(repository)
    for task in repository.tasks:
        for target in repository.targets:
            repository.frontier(task, target)
            repository.dominance(task, target, ("p50_ms", "peak_bytes", "accuracy"))
    repository.to_pandas()
    compare(repository, repository)
    for variant in repository.variants:
        for target in variant.targets:
            one = repository.on(variant.name, target)
            for name in SOURCES:
                where = {"deadline_ms": 5.0} if name == "capacity_requests_per_s" else {"batch": 2}
                look_up(partial(one.at, name), **where)
    select(repository, [condition("p50_ms<=1"), condition("accuracy>=0.1")])


def look_up(at: Callable[..., object], **where: float) -> None:
    """Where nothing was measured, the answer is an error of its own."""
    try:
        at(**where)
    except BadInputError as error:
        assert_one_line(error)


def assert_one_line(error: DnnPortingError) -> None:
    assert str(error).isprintable()
    assert len(str(error)) < LONGEST_MESSAGE


def refusal(work: Callable[[], object]) -> str:
    """The one line in which something is refused."""
    with pytest.raises(BadInputError) as caught:
        work()
    assert_one_line(caught.value)
    return str(caught.value)


def place(tree: Json, path: tuple[Any, ...]) -> Json:
    for step in path:
        tree = tree[step]
    return tree


def put(*path: Any, value: Json) -> Change:
    """Puts a value where the path leads."""
    return lambda tree: place(tree, path[:-1]).__setitem__(path[-1], value)


def edit_details(folder: Path, change: Change, name: str = A) -> None:
    """Rewrites the details of a variant, and has the index speak of what they are now."""
    path = folder / name / "variant.json"
    tree = json.loads(path.read_text())
    change(tree)
    write_details(folder, json.dumps(tree).encode(), name)


def body(index: Path) -> bytes:
    """What follows the digest."""
    return index.read_bytes().split(b"\n", 2)[2]


def write_details(folder: Path, content: bytes, name: str = A) -> None:
    (folder / name / "variant.json").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    edit_index(folder, lambda tree: tree["variants"][name == B].__setitem__("details_sha256", digest))


WATCHED: list[list[Path]] = []


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    if WATCHED and event == "open" and isinstance(arguments[0], str | bytes):
        WATCHED[-1].append(Path(os.fsdecode(arguments[0])).resolve())


# There is no way to take a hook away again: it does nothing while nobody watches.
sys.addaudithook(watch)


@contextmanager
def nothing_outside(folder: Path) -> Iterator[None]:
    """No file beside the folder is opened."""
    WATCHED.append([])
    try:
        yield
    finally:
        opened = WATCHED.pop()
    beside = [one for one in opened if one.is_relative_to(folder.parent) and not one.is_relative_to(folder)]
    assert not beside


def test_the_repository_is_fine_before_it_is_spoilt(folder: Path) -> None:
    with nothing_outside(folder):
        exercise(folder)
    assert A in {variant.name for variant in Repository.load(folder).index.variants}


def test_the_watch_sees_what_lies_beside(folder: Path) -> None:
    with pytest.raises(AssertionError), nothing_outside(folder):
        (folder.parent / "secret").read_text()


BAD_NAMES = ["../secret", "/etc/passwd", "a/b", "a\\b", "..", "", "A", "a_b", "a.b", "-a", "a-", "a" * 64, "a\n", "a\0"]


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("field", ["name", "task", "parent"])
def test_a_name_that_triton_or_kubernetes_cannot_carry(folder: Path, field: str, name: str) -> None:
    edit_index(folder, put("variants", 0, field, value=name))
    with nothing_outside(folder):
        assert f"variants.0.{field}" in refusal(lambda: Repository.load(folder))


@pytest.mark.parametrize("name", ["../secret", "/etc", "a/b", "..", "", "a.b", "_a", "a\x1b[2J", "a" * 64])
def test_a_target_that_is_no_file_name(folder: Path, name: str) -> None:
    edit_index(folder, lambda tree: tree["targets"].update({name: tree["targets"][TARGET]}))
    with nothing_outside(folder):
        assert "targets." in refusal(lambda: Repository.load(folder))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), -1.0, 1e19, 10**30, "x", []])
@pytest.mark.parametrize("end", [0, 1, 2])
def test_a_figure_that_nobody_can_measure(folder: Path, end: int, value: Json) -> None:
    edit_index(folder, put(*FIGURE, end, value=value))
    assert "variants.0.targets.local_cpu.figures.p50_ms" in refusal(lambda: Repository.load(folder))


def test_a_figure_too_large_for_a_float(folder: Path) -> None:
    edit_index(folder, put(*FIGURE, 0, value=12345.0))
    path = folder / "repository.json"
    path.write_bytes(sealed(body(path).replace(b"12345.0", b"1e999")))
    assert "variants.0.targets.local_cpu.figures.p50_ms" in refusal(lambda: Repository.load(folder))


def test_a_null_without_its_reason(folder: Path) -> None:
    edit_index(folder, put("variants", 0, "reasons", value={}))
    assert "fields that are null ['parent', 'test_accuracy'] and reasons [] differ" in refusal(
        lambda: Repository.load(folder)
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put(*FIGURE, value=[2.0, 3.0, 4.0]), "p50_ms 2 is outside of its interval"),
        (put(*FIGURE, value=[2.0, None, 1.0]), "p50_ms 2 is outside of its interval"),
        (put("variants", 0, "validation_accuracy", "low", value=0.99), "accuracy 0.95 is outside of its interval"),
        (put(*STANDING, "unknown", "p50_ms", value="why"), "a figure that is also unknown"),
        (put(*STANDING, "figures", "a\x1b[2J", value=[1, 1, 1]), "is no name of a figure"),
        (put(*STANDING, "figures", "_target_", value=[1, 1, 1]), "'_target_' is no name of a figure"),
        (put(*STANDING, "on_frontier", value=False), "on the frontier and dominated, or neither"),
        (put(*STANDING, "ties_with", value=["elsewhere"]), "'elsewhere', which is not in the index"),
        (put(*STANDING, "ties_with", value=[A]), "compared with itself"),
        (lambda tree: tree["targets"].clear(), f"{A} has figures on {TARGET}, which has no fingerprint"),
        (lambda tree: tree["variants"].append(tree["variants"][0]), f"two variants are named {A}"),
        (put("variants", 1, "name", value=A), f"two variants are named {A}"),
        (put("targets", TARGET, "cpu_model", value="a\x1b[2J"), "cannot be shown"),
        (put("targets", TARGET, "gpu_models", value=["a\nb"]), "cannot be shown"),
    ],
)  # fmt: skip
def test_an_index_that_contradicts_itself(folder: Path, change: Change, says: str) -> None:
    edit_index(folder, change)
    assert says in refusal(lambda: Repository.load(folder))


def test_a_dropped_variant_of_a_published_name(folder: Path) -> None:
    def change(tree: Json) -> None:
        again = {name: value for name, value in tree["variants"][0].items() if name != "details_sha256"}
        tree["dropped"].append(again)

    edit_index(folder, change)
    assert f"two variants are named {A}" in refusal(lambda: Repository.load(folder))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("variants", 0, "version"), 0),
        (("variants", 0, "version"), 2**63),
        (("variants", 0, "version"), 10**4000),
        (("variants", 0, "version"), 1.5),
        (("variants", 0, "onnx_sha256"), "0" * 63),
        (("variants", 0, "onnx_sha256"), "../" * 21 + "a"),
        (("variants", 0, "backbone"), "a\x1b[31m"),
        (("variants", 0, "backbone"), "a\u202eb"),
        (("variants", 0, "backbone"), "a" * 2001),
        (("variants", 0, "technique"), ["a"] * 65),
        (("variants", 0, "relative_accuracy"), 1.1),
        (("variants", 0, "accuracy_rank"), -1),
        (("variants", 0, "validation_accuracy", "n"), 10**30),
        ((*STANDING, "verdict_reason"), "a\x1b[31m"),
        ((*STANDING, "batch"), 0),
        ((*STANDING, "concurrency"), 10**30),
        ((*STANDING, "figures"), {f"figure_{number}": [1, 1, 1] for number in range(65)}),
        (("generator",), "a\0"),
        (("published_at",), "yesterday"),
        (("published_at",), 1e300),
        (("key",), "x"),
    ],
)
def test_a_value_out_of_its_bounds(folder: Path, path: tuple[Any, ...], value: Json) -> None:
    edit_index(folder, put(*path, value=value))
    assert ".".join(str(step) for step in path) in refusal(lambda: Repository.load(folder))


INDEX_RECORDS: list[tuple[Any, ...]] = [
    (), ("targets", TARGET), ("variants", 0), ("variants", 0, "validation_accuracy"), STANDING,
]  # fmt: skip
DETAILS_RECORDS: list[tuple[Any, ...]] = [
    (), ("input",), ("lineage", 0), ("profiles", TARGET), ("profiles", TARGET, "target"), POINT, (*POINT, "noise"),
]  # fmt: skip


@pytest.mark.parametrize("path", INDEX_RECORDS)
def test_a_target_to_instantiate_in_the_index(folder: Path, path: tuple[Any, ...]) -> None:
    edit_index(folder, put(*path, "_target_", value="os.system"))
    assert "_target_" in refusal(lambda: Repository.load(folder))


@pytest.mark.parametrize("path", DETAILS_RECORDS)
def test_a_target_to_instantiate_in_the_details(folder: Path, path: tuple[Any, ...]) -> None:
    edit_details(folder, put(*path, "_target_", value="os.system"))
    assert "_target_" in refusal(lambda: Repository.load(folder).details(A))


@pytest.mark.parametrize("version", [1, 3, 0, "x\x1b" * 500, {"a": 1}, 10**4000, None])
def test_another_schema_version(folder: Path, version: Json) -> None:
    edit_index(folder, put("schema_version", value=version))
    found = refusal(lambda: Repository.load(folder))
    assert "schema version" in found
    assert "reads version 2" in found


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf{}", b"null", b"[]", b"0", b'"a"', b"{", b"[" * 100_000,
     b'{"a":' * 100_000, b'{"variants": ' + b"9" * 5000 + b"}", b'{"generator": "\\ud800"}', b"\n" * 1000],
    ids=lambda content: repr(content[:12]),
)  # fmt: skip
def test_what_is_no_index(folder: Path, content: bytes) -> None:
    (folder / "repository.json").write_bytes(content)
    assert "repository.json is truncated, damaged or was changed" in refusal(lambda: Repository.load(folder))
    (folder / "repository.json").write_bytes(sealed(content))
    assert "repository.json is not valid" in refusal(lambda: Repository.load(folder))


def test_more_values_than_memory_holds(folder: Path) -> None:
    (folder / "repository.json").write_bytes(sealed(b'"variants": [' + b"0," * 21_000_000 + b"0]}"))
    assert "or 8000000 values" in refusal(lambda: Repository.load(folder))


def test_details_of_more_values_than_memory_holds(folder: Path) -> None:
    write_details(folder, b'{"labels": [' + b"0," * 600_000 + b"0]}")
    assert "more than 500000 values" in refusal(lambda: Repository.load(folder).details(A))


@pytest.mark.parametrize(
    ("name", "limit"), [("repository.json", INDEX_LIMIT_BYTES), (f"{A}/variant.json", DETAILS_LIMIT_BYTES)]
)
def test_a_gigantic_file(folder: Path, name: str, limit: int) -> None:
    os.truncate(folder / name, limit + 1)
    assert f"larger than {limit} bytes" in refusal(lambda: Repository.load(folder).details(A))


def test_a_file_that_ends_before_its_end(folder: Path) -> None:
    content = (folder / "repository.json").read_bytes()
    for share in range(1, 40):
        (folder / "repository.json").write_bytes(content[: len(content) * share // 40])
        refusal(lambda: Repository.load(folder))


def test_details_that_are_not_those_of_the_index(folder: Path) -> None:
    path = folder / A / "variant.json"
    path.write_bytes(path.read_bytes() + b" ")
    assert "not the file of the index" in refusal(lambda: Repository.load(folder).details(A))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put("name", value=B), "its name is not that of the index"),
        (put("task", value="other"), "its task is not that of the index"),
        (put("onnx_sha256", value="1" * 64), "its onnx_sha256 is not that of the index"),
        (put("validation_accuracy", "value", value=0.955), "its validation_accuracy is not that of the index"),
        (lambda tree: tree["profiles"].clear(), "profiles of other targets"),
        (lambda tree: tree["profiles"].update(b=tree["profiles"][TARGET]), "profiles of other targets"),
        (put("profiles", TARGET, "fingerprint", "cpu_model", value="x"), "is not that of the index"),
        (put("profiles", TARGET, "target_name", value="other"), "is of another target"),
        (put("lineage", 0, "settings", value={"a": [float("nan")]}), "a number is not finite"),
        (put("lineage", 0, "settings", value={"a": [1e999]}), "a number is not finite"),
        (put(*POINT, "batch", value=10**30), "latency.0.batch"),
        (put(*POINT, "mean_ms", value=1e300), "a number is not finite or larger"),
        (put(*POINT, "mean_ms", value=-1), "latency.0.mean_ms"),
        (put(*POINT, "p50_ms", value=float("nan")), "latency.0.p50_ms"),
        (put("lineage", 0, "seconds", value=-1), "lineage.0.seconds"),
        (put("input", "shape", value=[2**31, 1]), "input.shape.0"),
        (put("input", "shape", value=[2**20, 2**20]), "too large"),
        (put("input", "name", value="a\nb"), "input.name"),
        (put("opset", value=-1), "opset"),
    ],
)  # fmt: skip
def test_details_that_nobody_can_have_measured(folder: Path, change: Change, says: str) -> None:
    edit_details(folder, change)
    assert says in refusal(lambda: Repository.load(folder).details(A))


def test_settings_as_deep_as_a_well(folder: Path) -> None:
    path = folder / A / "variant.json"
    deep = '{"a":' * 5000 + "1" + "}" * 5000
    text = json.dumps(json.loads(path.read_text())).replace('{"epochs": 1}', deep)
    assert deep in text
    write_details(folder, text.encode())
    assert "not valid" in refusal(lambda: Repository.load(folder).details(A))


def test_labels_with_line_breaks_would_name_other_classes(folder: Path) -> None:
    def change(tree: Json) -> None:
        tree["labels"] = ["a\nb"]
        del tree["reasons"]["labels"]

    edit_details(folder, change)
    assert "labels.0" in refusal(lambda: Repository.load(folder).details(A))


def looked_up(name: str) -> Callable[[Repository], object]:
    return lambda repository: repository.on(A, TARGET).lookup(name)


ACTIONS: dict[str, Callable[[Repository], object]] = {
    "profile": lambda repository: repository.on(A, TARGET).profile,
    **{name: looked_up(name) for name in SOURCES},
    "select": lambda repository: select(repository, []),
}


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("server_environment", "/somebody/s", "path of one machine"),
        ("instances", 10**9, "less than or equal to 256"),
        ("threads", 2000, "at most 16"),
        ("cores", 10**6, "less than or equal to 4096"),
    ],
)
def test_a_repository_chooses_no_server_and_asks_for_no_machine_that_nobody_has(
    folder: Path, field: str, value: Json, says: str
) -> None:
    edit_details(folder, put("profiles", TARGET, "target", field, value=value))
    assert says in refusal(lambda: Repository.load(folder).details(A))


@pytest.mark.parametrize("action", ACTIONS)
def test_every_way_to_the_details_refuses_foreign_ones(folder: Path, action: str) -> None:
    path = folder / A / "variant.json"
    path.write_bytes(path.read_bytes().replace(b"1", b"2"))
    repository = Repository.load(folder)
    with nothing_outside(folder):
        assert "not the file of the index" in refusal(lambda: ACTIONS[action](repository))


@pytest.mark.parametrize("name", ["repository.json", A, f"{A}/variant.json"])
@pytest.mark.parametrize("kind", ["outside", "absolute", "dangling", "circle", "pipe", "device"])
def test_a_link_or_a_special_file(folder: Path, name: str, kind: str) -> None:
    path, outside = folder / name, folder.parent / "outside"
    shutil.move(path, outside)
    aims = {
        "outside": os.path.relpath(outside, path.parent), "absolute": str(outside), "dangling": "nowhere",
        "circle": path.name, "device": "/dev/zero",
    }  # fmt: skip
    os.mkfifo(path) if kind == "pipe" else path.symlink_to(aims[kind])
    with nothing_outside(folder):
        refusal(lambda: Repository.load(folder).details(A))


def test_a_name_that_is_not_in_a_long_index_is_not_answered_with_all_that_are(folder: Path) -> None:
    def change(tree: Json) -> None:
        tree["variants"] += [{**tree["variants"][0], "name": f"{'x' * 50}-{number}"} for number in range(500)]

    edit_index(folder, change)
    repository = Repository.load(folder)
    with pytest.raises(BadInputError, match="and 482 more") as caught:
        repository.variant("nobody")
    assert len(str(caught.value)) < 2000


def test_an_index_of_another_layout_is_refused(folder: Path) -> None:
    path = folder / "repository.json"
    written = path.read_bytes()
    assert index_to_json(index_from_json(written, "here")).encode() == written
    path.write_text(json.dumps(json.loads(written), indent=3))
    assert "is truncated, damaged or was changed since it was written" in refusal(lambda: Repository.load(folder))
    path.write_bytes(sealed(json.dumps(json.loads(written))[1:].encode()))
    assert "are not on one line each" in refusal(lambda: Repository.load(folder))


def test_any_other_bit_in_an_index_is_noticed(folder: Path) -> None:
    path = folder / "repository.json"
    written = path.read_bytes()
    assert written
    for place in range(0, len(written), 7):
        changed = bytearray(written)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        refusal(lambda: Repository.load(folder))


def test_a_figure_that_was_edited_is_noticed(folder: Path) -> None:
    path = folder / "repository.json"
    assert b"[100.0," in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(b"[100.0,", b"[101.0,"))
    assert "repository.json is truncated, damaged or was changed since it was written" in refusal(
        lambda: Repository.load(folder)
    )


def test_an_index_whose_figures_are_not_those_of_the_details(folder: Path) -> None:
    edit_index(folder, put(*STANDING, "figures", "images_per_s", value=[101.0, 98.0, 102.0]))
    repository = Repository.load(folder)
    assert f"its figures on {TARGET} are not those of the index" in refusal(lambda: repository.details(A))


@pytest.mark.parametrize("line", [b'{"\n', b"{\n", b'""\n', b'{"variants":[' + b"{}," * 50 + b"{}]}\n"])
def test_an_index_of_nothing_but_lines_takes_no_time_and_no_memory(folder: Path, line: bytes) -> None:
    (folder / "repository.json").write_bytes(sealed(line * ((INDEX_LIMIT_BYTES - 200) // len(line))))
    before, before_kib = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "holds more than 150000 entries or 8000000 values" in refusal(lambda: Repository.load(folder))
    assert time.process_time() - before < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 1 << 20


@pytest.mark.parametrize(
    "lists",
    [b'"variants": [1, 0], "dropped": []', b'"variants": [0, 0], "dropped": []', b'"variants": [0], "dropped": 0',
     b'"variants": "01", "dropped": []', b'"variants": {"0": 0}, "dropped": [1]', b'"variants": [0, 1]'],
)  # fmt: skip
def test_numbers_cannot_stand_for_entries(folder: Path, lists: bytes) -> None:
    """An entry that stands elsewhere than in the lists is not read into them."""
    lines = (folder / "repository.json").read_bytes().split(b"\n")
    entries = [line.rstrip(b",") for line in lines if line.startswith(b'{"')]
    frame = b",\n".join([b'"schema_version": 1', b'"generator":\n' + entries[0], b'"key":\n' + entries[1], lists])
    (folder / "repository.json").write_bytes(sealed(frame + b"\n}"))
    refusal(lambda: Repository.load(folder))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with one variant, whose file has the digest that made-up profiles speak of."""
    found = Workspace(tmp_path / "workspace")
    file = partly(
        OnnxFile, key="0" * 64, sha256=SHA256, opset=20, precision="fp32",
        input={"name": "input", "shape": [1, 8, 8]}, output={"name": "logits", "shape": [3]},
    )  # fmt: skip
    step = Step(stage="train", label="", key="0" * 64, settings={}, versions={}, seconds=1.0)
    variant = partly(
        Variant, task="digits", name=A, key="0" * 64, backbone="resnet8", lineage=[step], onnx=file, history=[]
    )
    with found.making("digits", A) as folder:
        found.record(variant, folder)
    return found.root


def adopted(workspace: Path, change: Change) -> Callable[[], object]:
    """Adopting a profile from elsewhere that was changed on the way."""
    path = workspace.parent / "foreign.json"
    tree = json.loads(blank_profile().model_dump_json())
    change(tree)
    path.write_text(record_files.sealed(json.dumps(tree, indent=1)))
    return lambda: adopt.run([str(path), "--workspace", str(workspace)])


def test_a_foreign_profile_that_is_sound_joins_its_variant(workspace: Path) -> None:
    adopted(workspace, lambda tree: None)()
    assert (workspace / "tasks" / "digits" / "variants" / A / "profiles" / f"{TARGET}.json").is_file()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put("target_name", value="../../../../../evil"), "target_name"),
        (put("target_name", value="/tmp/evil"), "target_name"),
        (put("target_name", value="a\n\x1b[2J"), "target_name"),
        (put("_target_", value="os.system"), "_target_"),
        (put("target", "_target_", value="os.system"), "target._target_"),
        (put("fingerprint", "_target_", value="os.system"), "fingerprint._target_"),
        (put("seconds", value=1e300), "a number is not finite or larger"),
        (put("seconds", value=-1), "seconds"),
        (put("layers", value=[0] * 600_000), "more than 500000 values"),
        (put("schema_version", value=9), "schema version 9"),
    ],
)  # fmt: skip
def test_a_foreign_profile_is_refused_and_nothing_written(workspace: Path, change: Change, says: str) -> None:
    before = sorted(workspace.parent.rglob("*"))
    work = adopted(workspace, change)
    assert says in refusal(work)
    assert sorted(workspace.parent.rglob("*")) == sorted([*before, workspace.parent / "foreign.json"])


@pytest.mark.parametrize("name", ["foreign.json", "foreign.npz"])
def test_a_foreign_file_without_an_end(workspace: Path, name: str) -> None:
    work = adopted(workspace, lambda tree: None)
    (workspace.parent / name).touch()
    os.truncate(workspace.parent / name, (256 << 20) + 1)
    assert f"{name} is larger than" in refusal(work)


@pytest.mark.parametrize("name", ["foreign.json", "foreign.npz"])
def test_a_foreign_file_that_is_a_link(workspace: Path, name: str) -> None:
    work = adopted(workspace, lambda tree: None)
    (workspace.parent / "secret").write_text("{}")
    (workspace.parent / name).unlink(missing_ok=True)
    (workspace.parent / name).symlink_to("secret")
    assert f"{name} cannot be read" in refusal(work)


MANIFEST: Json = {
    "layers": {"0": {"kind": "Linear", "widths": {"in_features": 4, "out_features": 2}}},
    "input_shape": [1, 2, 2],
    "outputs": [[0.0, 0.0], [0.0, 0.0]],
}


@pytest.mark.parametrize(
    "change",
    [
        put("_target_", value="os.system"),
        put("layers", "0", "_target_", value="os.system"),
        put("input_shape", value=[1 << 20, 1 << 20, 1 << 20]),
        put("input_shape", value=[1, -1, 2]),
        put("input_shape", value=[1, 2]),
        put("outputs", value=[[0.0]] * 3),
        put("outputs", value=[[0.0], []]),
        put("layers", value={str(number): {"kind": "Linear", "widths": {}} for number in range(100_001)}),
    ],
)
def test_a_foreign_manifest_is_refused(change: Change) -> None:
    tree = json.loads(json.dumps(MANIFEST))
    change(tree)
    with pytest.raises(ValidationError):
        Manifest.model_validate_json(json.dumps(tree))


@pytest.mark.parametrize(
    "widths",
    [{"in_features": [4]}, {"in_features": 0}, {"in_features": 10**30}, {"out_features": -1}, {"weight": 1},
     {"__class__": 1}, {"forward": 1}],
)  # fmt: skip
def test_widths_that_no_layer_can_have(widths: Json) -> None:
    tree = {**MANIFEST, "layers": {"0": {"kind": "Linear", "widths": widths}}}
    manifest = Manifest.model_validate_json(json.dumps(tree))
    refusal(lambda: restore(nn.Sequential(nn.Linear(4, 2)), manifest, {}))


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.integers(10**15, 10**40),
    st.sampled_from(["", "..", "../secret", "/etc/passwd", A, B, TARGET, "\x1b[2J", 1e308, -0.0, 5e-324]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
USUAL = settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
MANY = settings(USUAL, max_examples=10_000)


def inner_places(tree: Json) -> Iterator[tuple[Json, Any]]:
    """Every place in a JSON value: what holds it, and its key there."""
    waiting = [tree]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            yield holder, key
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])


def mutate(data: st.DataObject, tree: Json) -> None:
    """Replaces, removes, doubles or exchanges a few values anywhere."""
    for _ in range(data.draw(st.integers(1, 3))):
        places = list(inner_places(tree))
        holder, key = data.draw(st.sampled_from(places))
        what = data.draw(st.sampled_from(["replace", "remove", "double", "exchange"]))
        if what == "remove":
            del holder[key]
        elif what == "double":
            holder.append(holder[key]) if isinstance(holder, list) else holder.update({f"{key}x": holder[key]})
        elif what == "replace":
            holder[key] = data.draw(VALUES)
        else:
            other, there = data.draw(st.sampled_from(places))
            holder[key] = copy.deepcopy(other[there])


def spoil_values(data: st.DataObject, folder: Path) -> None:
    """Index and details with other values, and a digest that is right."""
    path = folder / A / "variant.json"
    tree = json.loads(path.read_text())
    if data.draw(st.booleans()):
        mutate(data, tree)
    content = json.dumps(tree).encode()
    path.write_bytes(content)
    index = json.loads((folder / "repository.json").read_text())
    index["variants"][0]["details_sha256"] = hashlib.sha256(content).hexdigest()
    if data.draw(st.booleans()):
        mutate(data, index)
    (folder / "repository.json").write_bytes(laid_out(index))


def spoil_bytes(data: st.DataObject, folder: Path) -> None:
    """The index with other bytes, and a digest that is right."""
    content = bytearray(body(folder / "repository.json"))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        stop = start + data.draw(st.integers(0, 40))
        content[start:stop] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"\n", b'{"', b"[", b"]", b"NaN", b","])
        )
    (folder / "repository.json").write_bytes(sealed(bytes(content)))


def spoil_files(data: st.DataObject, folder: Path) -> None:
    """Links that lead anywhere, and files and folders in each other's places."""
    names = ["repository.json", A, B, f"{A}/variant.json", f"{B}/variant.json", "latest.json"]
    aims = ["../secret", "../../secret", "/etc/passwd", ".", "..", "repository.json", A, f"../{B}/variant.json", "/"]
    for name in data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3)):
        path = folder / name
        if not path.parent.is_dir():
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        aim = data.draw(st.sampled_from([*aims, "a folder", "nothing"]))
        if aim == "a folder":
            path.mkdir()
        elif aim != "nothing":
            path.symlink_to(aim)


SPOILERS = {"values": spoil_values, "bytes": spoil_bytes, "files": spoil_files}


def assert_only_our_errors(kind: str, original: Path, parent: Path, often: settings) -> None:
    """A spoilt repository is read, or refused in one line, and nothing beside it is opened."""

    def check(data: st.DataObject) -> None:
        folder = parent / "repository"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(original, folder)
        SPOILERS[kind](data, folder)
        with nothing_outside(folder):
            try:
                exercise(folder)
            except DnnPortingError as error:
                assert_one_line(error)

    (parent / "secret").write_text("{}")
    often(given(st.data())(check))()


@pytest.mark.parametrize("kind", SPOILERS)
def test_a_spoilt_repository_is_read_or_refused_in_one_line(kind: str, original: Path, tmp_path: Path) -> None:
    assert_only_our_errors(kind, original, tmp_path, USUAL)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", SPOILERS)
def test_ten_thousand_spoilt_repositories(kind: str, original: Path, tmp_path: Path) -> None:
    assert_only_our_errors(kind, original, tmp_path, MANY)
