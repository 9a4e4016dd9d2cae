"""Single operators: their graphs, their kernel times, the table, and its measurement."""

import itertools
import math
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from profiler.common.errors import BadInputError, DnnPortingError
from profiler.common.target import Target
from profiler.operators.measuring import expected_s, measured_table, missing_passes, read_table
from profiler.operators.operator import Operator, OperatorPoint, Place, Precision
from profiler.operators.operator_graph import input_shape, operator_model
from profiler.operators.table import OperatorTable, OperatorTimes, efficient
from profiler.operators.timing import block, measure_operator, summed
from profiler.runtimes.kernel_clock import Kernel
from profiler.target.identity import fingerprint

CONVOLUTION = Operator(kind="convolution", kernel=(3, 3), pads=(1, 1, 1, 1), height=8, width=8)
STRIDED = Operator(kind="convolution", kernel=(1, 1), stride=(2, 2), height=8, width=8)
GROUPED = Operator(kind="convolution", kernel=(3, 3), pads=(1, 1, 1, 1), groups=2, height=8, width=8)
DEPTHWISE = Operator(kind="depthwise", kernel=(5, 5), stride=(2, 2), pads=(2, 2, 2, 2), height=8, width=8)
UNPADDED = Operator(kind="convolution", kernel=(7, 7), height=7, width=7)
DILATED = Operator(kind="convolution", kernel=(3, 3), pads=(2, 0, 1, 0), dilation=(2, 3), height=8, width=8)
LINEAR = Operator(kind="linear")
NORM = Operator(kind="norm", height=8, width=8)
PLACES: list[Place] = [
    (CONVOLUTION, 6, 10), (STRIDED, 6, 10), (GROUPED, 6, 10), (DEPTHWISE, 6, 6), (UNPADDED, 6, 10), (DILATED, 6, 10),
    (LINEAR, 6, 10), (NORM, 6, 6),
]  # fmt: skip
SHAPES = [(10, 8, 8), (10, 4, 4), (10, 8, 8), (6, 4, 4), (10, 1, 1), (10, 7, 2), (10,), (6, 8, 8)]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize(("place", "shape"), list(zip(PLACES, SHAPES, strict=True)))
def test_an_operator_s_file_runs_and_gives_what_such_a_layer_gives(
    place: Place, shape: tuple[int, ...], precision: Precision
) -> None:
    content = operator_model(place, precision)
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    images = np.ones((3, *input_shape(place[0], place[1])), np.float32)
    (found,) = session.run(None, {"input": images})
    assert found.shape == (3, *shape)
    assert np.isfinite(found).all()
    assert found.any()
    assert place[0].pixels == math.prod(shape[1:])


@pytest.mark.parametrize("place", PLACES[:-1])
@pytest.mark.parametrize(("precision", "kernels"), [
    ("fp32", {"Conv", "FusedConv", "Gemm", "FusedGemm"}), ("int8", {"QLinearConv", "QGemm"}),
])  # fmt: skip
def test_the_operator_is_one_kernel_in_its_precision(
    place: Place, precision: Precision, kernels: set[str], tmp_path: Path
) -> None:
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    ort.InferenceSession(operator_model(place, precision), options, providers=["CPUExecutionProvider"])
    found = [node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node]
    assert len([name for name in found if name in kernels]) == 1, found


@pytest.mark.parametrize("place", PLACES)
def test_a_kernel_takes_some_time(place: Place) -> None:
    point = measure_operator(place, 2, "fp32", threads=1)
    assert (point.operator, point.in_channels, point.out_channels) == place
    assert 0 < point.us < 1e6
    assert point.runs >= 3


@pytest.mark.alone
def test_more_work_takes_longer() -> None:
    small, large = (measure_operator((CONVOLUTION, wide, wide), 4, "fp32", threads=1).us for wide in (16, 128))
    assert large > 4 * small


def test_the_changes_of_layout_around_an_operator_are_told_apart() -> None:
    times = {"ReorderInput": [90, 91], "Conv": [5, 6], "Relu": [2, 2], "ReorderOutput": [9, 9]}
    kernels = {Kernel(operator.lower(), operator): values for operator, values in times.items()}
    assert summed(kernels, around=False) == [7.0, 8.0]
    assert summed(kernels, around=True) == [99.0, 100.0]


def table(points: dict[Place, float], block: int = 1) -> OperatorTable:
    return OperatorTable(
        fingerprint=fingerprint(Target(), None, "in-process", "1"), batch=1, precision="fp32", block=block,
        points=tuple(
            OperatorPoint(operator=operator, in_channels=before, out_channels=after, us=us, layout_us=1000.0, runs=5)
            for (operator, before, after), us in points.items()
        ),
    )  # fmt: skip


def test_a_width_that_was_not_measured_costs_what_the_next_wider_one_does() -> None:
    known = OperatorTimes(table({(CONVOLUTION, i, o): float(i * o) for i, o in itertools.product((4, 8), (4, 8))}))
    assert known.us(CONVOLUTION, 4, 8) == 32
    assert known.us(CONVOLUTION, 5, 3) == 32
    assert known.us(CONVOLUTION, 1, 1) == 16


def test_widths_of_two_networks_need_not_meet_in_one_table() -> None:
    known = OperatorTimes(table({(CONVOLUTION, 8, 64): 9.0, (CONVOLUTION, 32, 16): 5.0, (CONVOLUTION, 32, 64): 20.0}))
    assert known.us(CONVOLUTION, 8, 16) == 5
    assert known.us(CONVOLUTION, 16, 32) == 20


def test_a_width_that_is_no_whole_number_of_blocks_costs_the_changes_of_layout_too() -> None:
    places = {(CONVOLUTION, i, o): float(i * o) for i, o in itertools.product((8, 12, 16), (8, 16))}
    known = OperatorTimes(table(places | {(LINEAR, 12, 8): 3.0}, block=8))
    assert known.us(CONVOLUTION, 8, 16) == 128
    assert known.us(CONVOLUTION, 12, 8) == 96 + 1000
    assert known.us(CONVOLUTION, 8, 12) == 128 + 1000
    assert known.us(LINEAR, 12, 8) == 3


def test_a_block_is_as_wide_as_the_processor_s_vectors_and_int8_has_none() -> None:
    assert block("fp32") in (1, 8, 16)
    assert block("int8") == 1


def test_what_was_not_measured_is_refused() -> None:
    known = OperatorTimes(table({(CONVOLUTION, 4, 4): 1.0}))
    with pytest.raises(BadInputError, match="was not measured up to 4 and 5 channels"):
        known.us(CONVOLUTION, 4, 5)
    with pytest.raises(BadInputError, match="has no linear"):
        known.us(LINEAR, 4, 4)


def test_an_operator_twice_at_the_same_widths_is_refused() -> None:
    point = OperatorPoint(operator=LINEAR, in_channels=4, out_channels=4, us=1.0, layout_us=0.0, runs=5)
    with pytest.raises(ValueError, match="measured twice"):
        OperatorTable.model_validate(dict(table({})) | {"points": (point, point)})


def test_a_plateau_s_edge_is_the_widest_of_about_equal_times() -> None:
    assert efficient([(40, 0.87), (44, 0.87), (48, 0.86), (60, 1.50), (64, 1.49), (72, 2.52), (80, 2.49)]) == [
        48,
        64,
        80,
    ]
    assert efficient([(4, 1.0), (8, 1.0), (12, 1.0)]) == [12]


def test_a_table_is_filled_once_and_only_with_the_missing_passes(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    left: list[int] = []
    wanted = {CONVOLUTION: ([3], [4, 8]), DEPTHWISE: ([4, 8], [4, 8])}
    first = measured_table(path, Target(), 2, "fp32", wanted, 60, left.append)
    assert left == [*range(11, -1, -1)]
    assert not any(missing_passes(first, wanted))
    left.clear()
    assert measured_table(path, Target(), 2, "fp32", wanted, 60, left.append) == first
    assert left == []
    assert all(point.passes == 3 for point in first.points)
    more = measured_table(path, Target(), 2, "fp32", wanted | {LINEAR: ([4], [4])}, 60, left.append)
    assert left == [2, 1, 0]
    assert set(more.points) > set(first.points)
    assert read_table(path, Target(), 2, "fp32") == more


@pytest.mark.parametrize(("target", "batch", "precision", "other"), [
    (Target(threads=2, cores=2), 2, "fp32", "fingerprint"), (Target(), 4, "fp32", "batch"),
    (Target(), 4, "int8", "batch and precision"),
])  # fmt: skip
def test_another_s_table_in_its_place_is_refused(
    tmp_path: Path, target: Target, batch: int, precision: Precision, other: str
) -> None:
    path, wanted = tmp_path / "table.json", {LINEAR: ([4], [4])}
    measured_table(path, Target(), 2, "fp32", wanted, 60, lambda _: None)
    with pytest.raises(BadInputError, match=f"has another {other} than this pruning needs: remove {path}"):
        measured_table(path, target, batch, precision, wanted, 60, lambda _: None)


def test_every_place_is_passed_over_once_before_any_is_twice() -> None:
    wanted = {CONVOLUTION: ([4, 8], [4, 8]), LINEAR: ([4], [4])}
    assert [len(set(one)) for one in missing_passes(None, wanted)] == [5, 5, 5]
    once = table(dict.fromkeys(missing_passes(None, wanted)[0][:2], 1.0))
    assert [len(one) for one in missing_passes(once, wanted)] == [3, 5, 5]


def test_what_a_table_should_take_grows_with_its_places_and_their_work() -> None:
    few, many = {CONVOLUTION: ([8], [8])}, {CONVOLUTION: ([8, 16], [8, 16])}
    assert 0 < expected_s(few, 1) < expected_s(many, 1) < 5 * expected_s(few, 1)
    wide = {Operator(kind="convolution", kernel=(3, 3), height=224, width=224): ([512], [512])}
    assert expected_s(wide, 16) > 100 * expected_s(few, 16)


def test_the_quickest_of_all_passes_counts() -> None:
    known = table({(CONVOLUTION, 4, 4): 5.0})
    other = table({(CONVOLUTION, 4, 4): 3.0}).points[0].model_copy(update={"layout_us": 2000.0})
    (point,) = known.with_passes([other]).points
    assert (point.us, point.layout_us, point.runs, point.passes) == (3.0, 1000.0, 10, 2)


def test_a_spent_budget_leaves_what_was_measured_and_the_next_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    wanted = {CONVOLUTION: ([3], list(range(4, 44, 4)))}
    with pytest.raises(DnnPortingError, match="29 passes over operators were not made within 0 s: run again"):
        measured_table(path, Target(), 1, "fp32", wanted, 0, lambda _: None)
    left: list[int] = []
    measured_table(path, Target(), 1, "fp32", wanted, 60, left.append)
    assert len(left) == 29
