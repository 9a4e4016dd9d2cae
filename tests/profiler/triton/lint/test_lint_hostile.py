"""Repositories that mean harm: lint raises nothing, leaves nothing, reads within bounds and never leaves the root."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from model_folders import GOOD, LABELLED, change_network, edited, place, place_version, warm_up
from onnx import ModelProto, TensorProto
from support import environment
from watched import opened_paths, state

from profiler.triton.lint import Finding, lint

MIB = 1 << 20


def rules(findings: list[Finding]) -> set[tuple[str, str]]:
    return {(one.rule, one.severity) for one in findings}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A model folder beside the repository, which nobody may look into."""
    return place(tmp_path, "outside")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    return root


def linted(root: Path) -> list[Finding]:
    """The findings; nothing but what lies in the root was opened or listed."""
    with opened_paths() as paths:
        findings = lint(root)
    assert paths
    assert not [path for path in paths if not Path(path).is_relative_to(root)]
    return findings


@pytest.mark.parametrize("target", ["absolute", "relative"])
def test_links_out_of_the_repository_are_told_and_not_followed(target: str, root: Path, outside: Path) -> None:
    aim = outside if target == "absolute" else Path("..") / outside.name
    (root / "linked").symlink_to(aim)
    folder = place(root, "model", None, version=None)
    deeper = outside if target == "absolute" else Path("../..") / outside.name
    (folder / "config.pbtxt").symlink_to(deeper / "config.pbtxt")
    (folder / "1").symlink_to(deeper / "1")
    assert {rule for rule, _ in rules(linted(root))} == {"link-leaves"}


def test_a_network_behind_a_link_out_is_not_read(root: Path, outside: Path) -> None:
    folder = place(root, "model")
    (folder / "1" / "model.onnx").unlink()
    (folder / "1" / "model.onnx").symlink_to(outside / "1" / "model.onnx")
    assert rules(linted(root)) == {("path-leaves", "warning")}


@pytest.mark.parametrize(
    "config",
    [
        LABELLED.replace("labels.txt", "../../outside/config.pbtxt"),
        warm_up('input_data_file: "../../../outside/config.pbtxt"'),
        'default_model_filename: "../../../outside/1/model.onnx"\n' + GOOD,
        'default_model_filename: "/etc/passwd"\n' + GOOD,
    ],
)
def test_a_path_out_of_the_repository_is_told_and_not_followed(config: str, root: Path, outside: Path) -> None:
    (place(root, "model", config) / "warmup").mkdir()
    assert ("path-leaves", "warning") in rules(linted(root))


@pytest.mark.parametrize("location", ["/etc/passwd", "../../../outside/config.pbtxt", "link", "\0", "a" * 5000])
def test_weights_out_of_the_repository_are_an_error_and_not_read(location: str, root: Path, outside: Path) -> None:
    folder = place(root, "model")
    (folder / "1" / "link").symlink_to(outside / "config.pbtxt")

    def move(model: ModelProto) -> None:
        weights = model.graph.initializer[0]
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value=location)

    change_network(folder, move)
    assert ("external-data", "error") in rules(linted(root))


def test_a_pipe_or_a_socket_does_not_hold_lint_up(root: Path) -> None:
    folder = place(root, "model", None, version=None)
    os.mkfifo(folder / "config.pbtxt")
    home = place_version(place(root, "other"), "2", empty=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home / "model.onnx"))
        assert rules(linted(root)) == {("config-missing", "error"), ("artefact-kind", "error")}


def test_links_in_a_circle_end(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    assert {one.model for one in linted(root)} == {""}


def test_a_name_that_is_not_utf_8_can_be_printed(root: Path) -> None:
    place(root, os.fsdecode(b"caf\xe9"))
    findings = linted(root)
    assert ("name-encoding", "error") in rules(findings)
    assert all(str(one).isprintable() for one in findings)


def limited(root: Path, memory_bytes: int) -> subprocess.CompletedProcess[str]:
    """Lint in a process that may use so much memory and ten seconds of processor time."""
    code = (
        "import resource, sys\nfrom pathlib import Path\nfrom profiler.triton.lint import lint\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        f"resource.setrlimit(resource.RLIMIT_AS, (used + {memory_bytes}, -1))\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (10, 10))\n"
        "[print(one) for one in lint(Path(sys.argv[1]))]\n"
    )
    command = [sys.executable, "-c", code, str(root)]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)


def test_gigabytes_of_weights_take_megabytes_of_memory(root: Path) -> None:
    folder = place(root, "model")
    path = folder / "1" / "model.onnx"
    weights = TensorProto(name="large", dims=[1 << 28], data_type=TensorProto.FLOAT).SerializeToString()
    raw = b"\x4a" + varint(1 << 30)
    field = varint(len(weights) + len(raw) + (1 << 30))
    graph = b"\x2a" + field
    with path.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(b"\x3a" + varint(len(graph) + len(weights) + len(raw) + (1 << 30)) + graph + weights + raw)
        file.truncate(file.tell() + (1 << 30))
    done = limited(root, 96 * MIB)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def varint(value: int) -> bytes:
    """A number in protobuf's encoding."""
    return bytes([value & 0x7F | 0x80]) + varint(value >> 7) if value > 0x7F else bytes([value])


@pytest.mark.parametrize(
    ("size", "rule"), [(3 << 30, "onnx-unreadable"), (1 << 30, "onnx-unreadable"), (2 << 20, "config-size")]
)
def test_gigantic_files_are_told_without_being_read(size: int, rule: str, root: Path) -> None:
    folder = place(root, "model")
    os.truncate(folder / ("config.pbtxt" if rule == "config-size" else "1/model.onnx"), size)
    done = limited(root, 96 * MIB)
    assert (done.returncode, done.stderr) == (0, "")
    assert rule in done.stdout


HEAVY = {
    "inputs": "input { }" * 100_000,
    "steps": 'platform: "ensemble" ensemble_scheduling { '
    + "".join(
        f'step {{ model_name: "m" input_map {{ key: "a" value: "{i + 1}" }} output_map {{ key: "b" value: "{i}" }} }}'
        for i in range(10_000)
    )
    + "}",
    "dims": f"input {{ dims: [{'9223372036854775807,' * 50_000}1] reshape {{ shape: [1] }} }}",
    "versions": f"version_policy {{ specific {{ versions: [{'9,' * 400_000}1] }} }}",
    "braces": "input {" * 140_000,
    "names": f'name: "{"a" * 1_000_000}"',
    "strings": f"name: {chr(34) * 2 + ' '}" + '"a" ' * 250_000,
}


@pytest.mark.parametrize("config", HEAVY.values(), ids=HEAVY)
def test_a_megabyte_of_anything_is_read_in_seconds(config: str, root: Path) -> None:
    assert len(config) <= MIB
    place(root, "model", config)
    done = limited(root, 512 * MIB)
    assert (done.returncode, done.stderr) == (0, "")


def test_graphs_in_graphs_end(root: Path) -> None:
    folder = place(root, "model")
    content = b""
    for _ in range(120):
        # A model's graph (7), a graph's node (1), a node's attribute (5), an attribute's graph (6).
        for number in (6, 5, 1):
            content = bytes([number << 3 | 2]) + varint(len(content)) + content
    place_version(folder, "1", b"\x3a" + varint(len(content)) + content)
    assert ("onnx-unreadable", "error") in rules(linted(root))
    long = b"".join(b"\x3a" + varint(10_000 + 3 * left) for left in range(3000, 0, -1))
    place_version(folder, "1", long + bytes(20_000))
    assert ("onnx-unreadable", "error") in rules(linted(root))


def test_every_one_of_thousands_of_folders_is_told_of(root: Path) -> None:
    for index in range(2000):
        (root / f"m{index}").mkdir()
    assert len(linted(root)) == 2000


def test_a_folder_that_cannot_be_read_is_told(root: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    folder = place(root, "model")
    (folder / "config.pbtxt").chmod(0)
    assert rules(linted(root)) == {("config-missing", "error")}


def test_lint_writes_nothing(root: Path) -> None:
    place(root, "model", edited("dims: [3]", "dims: [4]"))
    before = state(root)
    lint(root)
    assert state(root) == before
