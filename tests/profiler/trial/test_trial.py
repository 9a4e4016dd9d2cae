"""A foreign ONNX file is tried where it can do no harm: what does not load and answer is refused in one line."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import hostile_onnx
import large_networks
import psutil
import pytest
from support import assert_accepts, write_network

from profiler.common.errors import ModelError
from profiler.graph.shapes import UncountedError
from profiler.runtimes.inputs import sample_input
from profiler.runtimes.served import Expectation
from profiler.runtimes.session import open_session, run
from profiler.runtimes.time_limits import ends_within
from profiler.trial import batches
from profiler.trial.onnx_file import try_onnx

# Ten would do on a quiet machine.
LIMIT_S = 60.0


def sparse(path: Path, size: int) -> None:
    """All of it a hole."""
    with path.open("wb") as file:
        file.truncate(size)


def test_an_ordinary_file_passes(tmp_path: Path) -> None:
    assert_accepts(try_onnx, write_network(tmp_path / "model.onnx"))


def test_a_file_of_any_size_passes_and_is_tried_where_a_size_is_known(tmp_path: Path) -> None:
    path = hostile_onnx.shaped(tmp_path / "model.onnx", ["batch", 3, "h", "w"])
    assert_accepts(try_onnx, path)
    assert_accepts(try_onnx, path, [32])


@pytest.mark.parametrize("made", [large_networks.much_work, large_networks.large_tensors])
def test_a_network_has_the_time_and_memory_that_its_layers_need(
    tmp_path: Path, made: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path / "model.onnx")
    try_onnx(path)
    monkeypatch.setattr("profiler.trial.onnx_file.MOST_CPU_S", 3.0)
    monkeypatch.setattr("profiler.trial.onnx_file.MOST_BYTES", 0)
    with pytest.raises(ModelError, match=r"(s of processor time|MiB of memory to answer a batch of 2): it is refused"):
        try_onnx(path)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (hostile_onnx.endless, "within .* s of processor time|was ended after"),
        (hostile_onnx.doubling, "more than 20,000 nodes"),
        (hostile_onnx.huge, "MiB of memory"),
        (hostile_onnx.many_nodes, "more than 20,000 nodes"),
        (hostile_onnx.not_a_number, "answers NaN or infinite values"),
        (hostile_onnx.foreign_operators, "no operators of ONNX's own domain, but com.microsoft"),
        (hostile_onnx.external, "its weights in other files"),
        (lambda path: hostile_onnx.shaped(path, []), "has no axes, or none are known"),
        (lambda path: hostile_onnx.shaped(path, None), "'shape' of 'type' is required but missing"),
        (lambda path: hostile_onnx.shaped(path, ["batch", 0]), "none of which is 0"),
        (lambda path: hostile_onnx.shaped(path, ["batch", 2**31 - 1]), "has more than 6,291,456 values"),
        (lambda path: hostile_onnx.shaped(path, ["batch", 2**62]), "has more than 6,291,456 values"),
        (lambda path: hostile_onnx.shaped(path, ["batch", *[1] * 100_000]), "axes"),
        (lambda path: path.write_bytes(b"\0" * 1000), "not an ONNX file"),
        (lambda path: path.mkdir(), "no plain file"),
        (lambda path: sparse(path, 1 << 40), "is larger than 2147483647 bytes"),
        (lambda path: sparse(path, (1 << 31) - 1), "MiB of memory"),
    ],
)
def test_a_hostile_file_is_refused_in_one_line(tmp_path: Path, made: Callable[[Path], object], says: str) -> None:
    path = tmp_path / "model.onnx"
    made(path)
    start = time.monotonic()
    with pytest.raises(Exception, match=says) as caught:
        try_onnx(path)
    message = str(caught.value)
    assert message.startswith(str(path)), message
    assert "\n" not in message
    assert len(message) < 800
    assert time.monotonic() - start < LIMIT_S
    assert not [child for child in psutil.Process().children() if "confined" in " ".join(child.cmdline())]


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (hostile_onnx.exploding_as_counted, "a batch of 3 takes .* MiB of memory where one input takes"),
        (hostile_onnx.exploding_as_run, "MiB of memory to answer a batch of 12"),
        (lambda path: hostile_onnx.exploding_in_a_table(path, 8), "MiB of memory to answer a batch of 12"),
        (
            lambda path: hostile_onnx.exploding_in_a_table(path, 6),
            "MiB of memory to answer a batch of 24",
        ),
        (hostile_onnx.exploding_inside_an_operator, "MiB of memory to answer a batch of 24"),
        (hostile_onnx.exploding_where_casts_wrap, "MiB of memory to answer a batch of 3"),
    ],
)
def test_a_network_whose_memory_explodes_with_the_batch_is_refused_with_that_batch(
    tmp_path: Path, made: Callable[[Path], object], says: str
) -> None:
    path = tmp_path / "model.onnx"
    made(path)
    with pytest.raises(ModelError, match=says):
        try_onnx(path)


def test_a_small_network_may_compare_the_inputs_of_a_batch(tmp_path: Path) -> None:
    assert_accepts(try_onnx, hostile_onnx.quadratic(tmp_path / "model.onnx"))


def test_an_inference_that_ends_for_some_inputs_only_is_ended(tmp_path: Path) -> None:
    path = hostile_onnx.endless_from(tmp_path / "model.onnx", batch=4)
    with pytest.raises(ModelError, match=r"was ended after|does not answer a batch of 6 within .* s of processor time"):
        try_onnx(path)
    session = open_session(path, threads=1)
    assert run(session, {"x": sample_input((3,), 3)}).shape == (3, 3)
    start = time.monotonic()
    with ends_within(1.0), pytest.raises(ModelError, match=r"was ended after .* when its time was over"):
        run(session, {"x": sample_input((3,), 4)})
    assert time.monotonic() - start < LIMIT_S


def test_a_network_that_answers_nan_is_told_so(tmp_path: Path) -> None:
    path = hostile_onnx.not_a_number(tmp_path / "model.onnx")
    with pytest.raises(ModelError, match="answers NaN or infinite values"):
        Expectation(path, 1)


class Uncounted:
    """A network that answers at once."""

    batches: Sequence[int] = (1,)
    counting_s = 0.0

    def macs(self) -> int:
        return 0

    def activation_bytes(self, batch: int) -> int:
        raise UncountedError("nobody knows")

    def answer(self, batch: int) -> None:
        pass


@pytest.mark.parametrize("more_mib", [[10, 20, 600], [50, 100, 300, 1500]])
def test_memory_that_grows_faster_than_the_batch_is_refused_where_it_fits(
    monkeypatch: pytest.MonkeyPatch, more_mib: list[int]
) -> None:
    taken = iter([0, *more_mib])
    monkeypatch.setattr(batches, "taken_bytes", lambda: next(taken) << 20)
    with pytest.raises(ModelError, match=f"takes {more_mib[-1]:,} MiB of memory where one of .* takes {more_mib[-2]}"):
        batches.check_larger(Uncounted(), 0.0)


def test_memory_that_grows_with_the_batch_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([0, 100, 200, 400, 800, 1600])
    monkeypatch.setattr(batches, "taken_bytes", lambda: next(taken) << 20)
    assert_accepts(batches.check_larger, Uncounted(), 0.0)
