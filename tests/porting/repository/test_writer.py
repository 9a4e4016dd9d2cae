"""Writing a repository: whole or not at all, versions that grow, requests that warm a server up."""

import hashlib
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from full_profile import fingerprint, item
from google.protobuf import text_format
from made_repository import MIDDLE, SLOW, items, profile, repository
from narrowing import known
from servers.short_lived import short_lived_triton
from support import CLASSES, ROOT, SIZE, environment, write_network
from tritonclient.grpc import InferenceServerClient
from tritonclient.grpc.model_config_pb2 import ModelConfig

from porting.repository import Repository
from porting.repository.integrity import is_whole, published_rules
from porting.repository.publishing.offers import Offer, merged
from porting.repository.publishing.writer import publish, remove_older
from porting.repository.schema import Accuracy, TensorSpec
from profiler.common.errors import BadInputError
from profiler.common.files import sha256
from profiler.common.target import Target
from profiler.records.profile import Profile
from profiler.triton.lint import lint

EXAMPLE = np.linspace(-1, 1, 1024, dtype=np.float32).reshape(1, 32, 32)
WRITER = """
import sys
from pathlib import Path
from made_repository import IMAGES_PER_S, items
from porting.repository.publishing.writer import publish, remove_older
from profiler.common.errors import BadInputError

folder = Path(sys.argv[1])
for change in range(100):
    publish(folder / "repository", items(folder, {name: rate + change for name, rate in IMAGES_PER_S.items()}))
    print(change, flush=True)
"""


def with_example(folder: Path) -> Offer:
    offered = items(folder, {SLOW: 200.0})[0]
    return Offer(offered.details, offered.parent, offered.technique, offered.onnx, EXAMPLE)


def another_file(item: Offer, content: bytes) -> Offer:
    """The same variant with another ONNX file."""
    item.onnx.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return replace(item, details=item.details.model_copy(update={"onnx_sha256": digest}))


@pytest.mark.integration
def test_a_reader_sees_a_whole_repository_while_its_writer_is_killed_again_and_again(tmp_path: Path) -> None:
    repository(tmp_path)
    path = tmp_path / "repository"
    seen: set[str] = set()
    environ = environment() | {"PYTHONPATH": f"{ROOT}:{ROOT}/tests"}
    dice = random.Random(0)  # noqa: S311
    # The last one is not killed before it wrote, however slow the machine.
    for at_least in (1, 1, 1, 2):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], env=environ, stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        until = time.monotonic() + dice.uniform(0, 1)
        while time.monotonic() < until or len(seen) < at_least:
            found = Repository.load(path)
            assert {found.details(one.name).name for one in found.variants} == set(found.by_name)
            seen.add(found.index.key)
        writer.kill()
        writer.wait()
        writer.stdout.close()
        found = Repository.load(path)
        seen.add(found.index.key)
        assert {found.details(one.name).name for one in found.variants} == set(found.by_name)
    assert len(seen) > 1


def test_a_file_that_changed_becomes_the_next_version_and_none_is_rewritten(tmp_path: Path) -> None:
    offered = items(tmp_path, {SLOW: 200.0})[0]
    for version, content in enumerate((b"one", b"two", b"three"), start=1):
        found = publish(tmp_path / "repository", [another_file(offered, content)])
        assert found.variant(SLOW).version == version
    folder = found.storage.local / SLOW
    assert [(folder / str(n) / "model.onnx").read_bytes() for n in (1, 2, 3)] == [b"one", b"two", b"three"]


def test_every_file_of_a_variant_is_known_by_its_digest(tmp_path: Path) -> None:
    found = publish(tmp_path / "repository", [another_file(with_example(tmp_path), b"one")])
    folder = found.storage.local / SLOW
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found.details(SLOW).files.keys() == there - {"variant.json"}
    assert is_whole(found)
    (folder / "warmup" / "example").write_bytes(b"another")
    assert not is_whole(found)


def folders(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in tmp_path.glob(".repository-*"))


def test_each_publication_has_a_folder_of_its_own_and_the_one_before_stays(tmp_path: Path) -> None:
    aims = []
    for _ in range(4):
        # The same key each time.
        aims.append(repository(tmp_path).storage.local.name)
        assert folders(tmp_path) == sorted(aims[-2:])
    assert len(set(aims)) == 4


def test_a_reader_goes_on_over_one_publication_and_is_told_of_the_second(tmp_path: Path) -> None:
    held = repository(tmp_path)
    repository(tmp_path)
    assert held.details(SLOW).name == SLOW
    repository(tmp_path)
    with pytest.raises(BadInputError, match="was replaced by later publications since it was opened: open it again"):
        held.details(MIDDLE)


def test_what_a_killed_writer_left_goes_and_what_readers_have_stays(tmp_path: Path) -> None:
    aims = [repository(tmp_path).storage.local.name for _ in range(2)]
    (tmp_path / ".repository-link").symlink_to("nowhere")
    (tmp_path / ".repository-0123456789ab-orphan").mkdir()
    remove_older(tmp_path / "repository")
    assert folders(tmp_path) == sorted(aims)
    assert (tmp_path / "repository").resolve().name == aims[-1]


def spoilt(offered: Offer, **changes: object) -> Offer:
    """Its best throughput is another."""
    found = offered.details.profiles["local_cpu"]
    points = tuple(one.model_copy(update=changes) for one in found.max_throughput)
    profiles = {"local_cpu": found.model_copy(update={"max_throughput": points})}
    return replace(offered, details=offered.details.model_copy(update={"profiles": profiles}))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda one: spoilt(one, batch=10**15), "its profile on local_cpu has a batch above 64"),
        (lambda one: spoilt(one, low_images_per_s=1e6), "images_per_s 200 is outside of its interval"),
        (lambda one: spoilt(one, low_relative_throughput=1e6), "relative_throughput 2 is outside of its interval"),
        (lambda one: spoilt(one, images_per_s=1e30), "figures.images_per_s"),
        (lambda one: spoilt(one, relative_throughput=1e30), "figures.relative_throughput"),
        (lambda one: spoilt(one, batch=65), "its profile on local_cpu has a batch above 64"),
        (lambda one: replace(one, example=EXAMPLE[:, :5]), "has 640 bytes, which is no float32 input of shape"),
        (lambda one: replace(one, details=one.details.model_copy(update={"onnx_sha256": "1" * 64})), "is not the file"),
    ],
)
def test_what_cannot_be_published_is_refused_in_a_line_and_nothing_is_written(
    tmp_path: Path, change: Callable[[Offer], Offer], says: str
) -> None:
    before = repository(tmp_path)
    with pytest.raises(BadInputError, match=says) as caught:
        publish(tmp_path / "repository", [change(with_example(tmp_path))])
    assert str(caught.value).isprintable()
    assert folders(tmp_path) == [before.storage.local.name]


def test_the_same_file_keeps_its_version(tmp_path: Path) -> None:
    offered = another_file(items(tmp_path, {SLOW: 200.0})[0], b"one")
    assert publish(tmp_path / "repository", [offered]).variant(SLOW).version == 1
    more = [offered, *items(tmp_path, {MIDDLE: 400.0})]
    assert publish(tmp_path / "repository", more).variant(SLOW).version == 1


def test_a_real_input_warms_up_batch_1_and_the_batch_of_the_maximum(tmp_path: Path) -> None:
    folder = publish(tmp_path / "repository", [with_example(tmp_path)]).storage.local / SLOW
    config = text_format.Parse((folder / "config.pbtxt").read_text(), ModelConfig())
    assert [request.batch_size for request in config.model_warmup] == [1, 16]
    for request in config.model_warmup:
        tensor = request.inputs["input"]
        content = np.fromfile(folder / "warmup" / tensor.input_data_file, dtype="<f4").reshape(tuple(tensor.dims))
        assert np.array_equal(content, EXAMPLE)


def test_without_a_real_input_nothing_is_warmed_up(tmp_path: Path) -> None:
    folder = repository(tmp_path).storage.local / SLOW
    assert "model_warmup" not in (folder / "config.pbtxt").read_text()
    assert not (folder / "warmup").exists()


@pytest.mark.integration
def test_a_server_finds_each_target_s_settings_by_its_name_and_is_warmed_up(tmp_path: Path) -> None:
    network = write_network(tmp_path / "model.onnx")
    here, there = (
        real_item(network, blank(Target(threads=threads), name)) for name, threads in (("local_cpu", 1), ("edge", 2))
    )
    root = publish(tmp_path / "repository", merged([here], [there])).storage.local
    assert not [finding for finding in lint(root, published_rules(root)) if finding.severity == "error"]
    for name, threads in (("edge", "2"), ("local_cpu", "1")):
        with short_lived_triton(repository=root, config_name=name) as server:
            with InferenceServerClient(server.endpoint) as client:
                config = client.get_model_config(SLOW).config
                assert config.parameters["intra_op_thread_count"].string_value == threads
                assert [request.batch_size for request in config.model_warmup] == [1, 16]


def blank(target: Target, name: str) -> Profile:
    """A profile on a target of this name and with these settings."""
    found = fingerprint().model_copy(update={"threads": target.threads})
    return profile(200.0, target=target, target_name=name, fingerprint=found)


def real_item(network: Path, measured: Profile) -> Offer:
    """A variant with a file that a server can load."""
    details = item(SLOW, measured, network.parent).details.model_copy(
        update={
            "onnx_sha256": sha256(network),
            "input": TensorSpec(name="input", shape=[1, SIZE, SIZE]),
            "output": TensorSpec(name="logits", shape=[CLASSES]),
        }
    )
    return Offer(details, None, [], network, np.zeros((1, SIZE, SIZE), dtype=np.float32))


def test_a_variant_that_was_dropped_meanwhile_goes_on_counting(tmp_path: Path) -> None:
    offered, quicker = items(tmp_path, {SLOW: 200.0})[0], items(tmp_path, {MIDDLE: 400.0})
    accurate = Accuracy.model_validate(
        {**dict(known(quicker[0].details.validation_accuracy)), "value": 0.99, "high": 1.0, "low": 0.98}
    )
    better = Offer(quicker[0].details.model_copy(update={"validation_accuracy": accurate}), None, [], quicker[0].onnx)
    root = tmp_path / "repository"
    assert publish(root, [another_file(offered, b"one")]).variant(SLOW).version == 1
    assert [one.name for one in publish(root, [another_file(offered, b"one"), better]).index.dropped] == [SLOW]
    assert publish(root, [another_file(offered, b"two")]).variant(SLOW).version == 2
