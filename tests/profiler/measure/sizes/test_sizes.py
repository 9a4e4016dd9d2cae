"""Throughput and memory over input sizes and batches, of a file that leaves the size open."""

from pathlib import Path

import pytest
from blank import blank_level, blank_profile
from onnx import load, save
from stub_host import StubHost, go_through, maximum, model_on
from support import write_network

from profiler.analysis.fits import fitted
from profiler.measure.ledger import Ledger
from profiler.measure.sizes.part import measurements
from profiler.records.throughput import SizePoint
from profiler.runtimes.own_process import InProcess
from profiler.target.model_under_test import ModelUnderTest

SIZES = [8, 12, 16]


def open_network(path: Path) -> Path:
    """The usual network, which answers pictures of every height and width."""
    file = load(write_network(path, work=2))
    for axis, name in ((2, "height"), (3, "width")):
        file.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    save(file, path)
    return path


def model_of_sizes(path: Path, sizes: list[int]) -> ModelUnderTest:
    return ModelUnderTest(model_on(StubHost(0.001), write_network(path.with_name("other.onnx"))).prepared, path, sizes)


def measured(path: Path, sizes: list[int], ledger: Ledger) -> list[SizePoint]:
    settings = blank_level(sizes={"batches": [1, 2, 4], "seconds": 0.02}).sizes
    assert settings is not None
    model = model_of_sizes(path, sizes)
    go_through(measurements(model, settings, ledger), ledger, "sizes")
    return ledger.of(SizePoint)


@pytest.mark.alone
def test_every_size_and_batch_has_a_rate_and_a_peak_and_the_memory_has_a_fit(tmp_path: Path) -> None:
    found = measured(open_network(tmp_path / "n.onnx"), SIZES, Ledger([maximum(100.0, concurrency=2)], []))
    assert [(one.input_shape, one.batch) for one in found] == [
        ((1, size, size), batch) for size in SIZES for batch in (1, 2, 4)
    ]
    assert {one.concurrency for one in found} == {2}
    assert all(one.peak_bytes is not None and one.images_per_s > 0 for one in found)
    assert [one.pixels for one in found[::3]] == [64, 144, 256]
    profile = fitted(blank_profile().with_points(found))
    forms = [*(fit.form for fit in profile.fits), *(one.form for one in profile.refused_fits)]
    assert forms == ["memory in batch and pixels"]


def test_one_size_alone_is_in_the_other_tables(tmp_path: Path) -> None:
    assert measured(open_network(tmp_path / "n.onnx"), [8], Ledger([], [])) == []


def test_the_other_size_has_its_own_expected_answers_and_the_same_server(tmp_path: Path) -> None:
    path = open_network(tmp_path / "n.onnx")
    model = model_of_sizes(path, SIZES)
    sized = model.at_size((1, 16, 16), 2)
    assert sized.shapes == [(1, 16, 16)]
    assert sized.expectation.images().shape == (2, 1, 16, 16)
    sized.expectation.check(InProcess(path, threads=1).prepare(sized.expectation.images())())
    assert (model.shapes[0], model.expectation.images().shape[1:]) == ((1, 8, 8), (1, 8, 8))
    assert sized.serve() is model.serve()
