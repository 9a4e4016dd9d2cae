"""Whatever lies in a folder, lint answers with findings: no exception, nothing written, nothing read outside."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import corpus
import pytest
from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_folders import GOOD, place, place_version
from tritonclient.grpc.model_config_pb2 import ModelConfig
from watched import opened_paths, state

from profiler.triton.lint import lint

TEXTS = [config.encode() if isinstance(config, str) else config for _, config in corpus.CONFIGS.values()]
# The bytes of a file, `None` for a folder, or the target of a link.
Entry = bytes | str | None
ANY_PACE = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
FEW = settings(ANY_PACE, max_examples=200, derandomize=True)
MANY = settings(ANY_PACE, max_examples=10_000)
NAMES = st.sampled_from(
    ["m", "1", "2", "01", "configs", "warmup", "config.pbtxt", "edge.pbtxt", "model.onnx", "labels.txt", "x", "-1", "ü"]
)
TARGETS = st.sampled_from(["..", "../..", "../../..", ".", "/", "/etc/passwd", "x", "1", "../m", "/tmp", "nowhere"])
SNIPPETS = st.sampled_from(
    b'{ } [ ] -1 0 99999999999999999999 nan inf " \0 \xff \\ # ../../x /etc/passwd TYPE_STRING KIND_GPU true'.split(
        b" "
    )
)


@contextmanager
def repository() -> Iterator[Path]:
    """An empty folder, which is linted when it is filled; the invariants are checked."""
    with TemporaryDirectory() as name:
        root = Path(name).resolve() / "repository"
        root.mkdir()
        yield root
        before = state(root.parent)
        with opened_paths() as paths:
            findings = lint(root)
        assert not [path for path in paths if not Path(path).is_relative_to(root)]
        assert state(root.parent) == before
        assert all(str(finding).isprintable() and len(str(finding)) < 1500 for finding in findings)


@st.composite
def mutated(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """A text or file with a few spans cut out, doubled, or overwritten."""
    data = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        new = draw(st.one_of(SNIPPETS, st.binary(max_size=6), st.just(data[start:end] * 2), st.just(b"")))
        data = data[:start] + new + data[end:]
    return data


def field_value(draw: st.DrawFn, message: ModelConfig, depth: int) -> None:
    """Sets a few fields of a message to anything of their types."""
    fields = list(message.DESCRIPTOR.fields)
    chosen = (
        st.lists(st.sampled_from(fields), max_size=4, unique_by=lambda field: field.name) if fields else st.just([])
    )
    for field in draw(chosen):
        inner = field.message_type
        if inner is not None and inner.GetOptions().map_entry:
            continue
        if inner is not None:
            child = getattr(message, field.name)
            target = child.add() if field.is_repeated else child
            if not field.is_repeated:
                target.SetInParent()
            if depth:
                field_value(draw, target, depth - 1)
            continue
        value = draw(scalar(field))
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)


def scalar(field: FieldDescriptor) -> st.SearchStrategy[object]:
    """Any value of a scalar field."""
    kinds = {
        field.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
        field.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
        field.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
        field.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
        field.CPPTYPE_FLOAT: st.floats(width=32),
        field.CPPTYPE_DOUBLE: st.floats(),
        field.CPPTYPE_BOOL: st.booleans(),
        field.CPPTYPE_ENUM: st.integers(-2, 20),
        field.CPPTYPE_STRING: st.one_of(
            st.sampled_from(
                ["onnxruntime", "ensemble", "input", "logits", "model.onnx", "../../x", "/etc/passwd", "m"]
            ),
            st.text(max_size=20),
        ),
    }
    return kinds[field.cpp_type]


@st.composite
def made_up(draw: st.DrawFn) -> bytes:
    """A configuration that the parser takes, of any fields and values."""
    config = ModelConfig()
    if draw(st.booleans()):
        text_format.Parse(GOOD, config)
    field_value(draw, config, 4)
    text: str = text_format.MessageToString(config)
    return text.encode()


def check_config(text: bytes) -> None:
    with repository() as root:
        place(root, "m", text, version=None)
        place_version(root / "m", "1", NETWORK)
        place(root, "ensemble-member")


def check_network(data: bytes) -> None:
    with repository() as root:
        place_version(place(root, "m", corpus.CONFIGS["warm-up"][1], version=None), "1", data)


@st.composite
def trees(draw: st.DrawFn) -> list[tuple[list[str], Entry]]:
    """Paths with their entries."""
    files = st.one_of(st.binary(max_size=50), st.just(GOOD.encode()), st.just(NETWORK))
    entries = st.one_of(st.builds(bytes, files), st.none(), TARGETS)
    return draw(st.lists(st.tuples(st.lists(NAMES, min_size=1, max_size=4), entries), max_size=6))


def check_tree(tree: list[tuple[list[str], Entry]]) -> None:
    with repository() as root:
        for path, entry in tree:
            place_entry(root.joinpath(*path), root, entry)


def place_entry(path: Path, root: Path, entry: Entry) -> None:
    """One entry of a tree, where nothing is in its way."""
    if path.exists() or path.is_symlink():
        return
    try:
        if not path.parent.resolve().is_relative_to(root):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return
    if isinstance(entry, bytes):
        path.write_bytes(entry)
    elif entry is None:
        path.mkdir()
    else:
        path.symlink_to(entry)


def network_bytes() -> bytes:
    with TemporaryDirectory() as name:
        return (place(Path(name), "m") / "1" / "model.onnx").read_bytes()


NETWORK = network_bytes()


@FEW
@given(mutated(TEXTS))
def test_a_mutated_configuration_is_answered(text: bytes) -> None:
    check_config(text)


@FEW
@given(made_up())
def test_a_configuration_of_any_fields_is_answered(text: bytes) -> None:
    check_config(text)


@FEW
@given(st.binary(max_size=300))
def test_bytes_for_a_configuration_are_answered(text: bytes) -> None:
    check_config(text)


@FEW
@given(st.one_of(mutated([NETWORK]), st.binary(max_size=300)))
def test_bytes_for_a_network_are_answered(data: bytes) -> None:
    check_network(data)


@FEW
@given(trees())
def test_a_tree_of_anything_is_answered(tree: list[tuple[list[str], Entry]]) -> None:
    check_tree(tree)


@pytest.mark.slow
@MANY
@given(st.one_of(mutated(TEXTS), made_up(), st.binary(max_size=300)))
def test_ten_thousand_configurations_are_answered(text: bytes) -> None:
    check_config(text)


@pytest.mark.slow
@MANY
@given(st.one_of(mutated([NETWORK]), st.binary(max_size=300)))
def test_ten_thousand_networks_are_answered(data: bytes) -> None:
    check_network(data)


@pytest.mark.slow
@MANY
@given(trees())
def test_ten_thousand_trees_are_answered(tree: list[tuple[list[str], Entry]]) -> None:
    check_tree(tree)
