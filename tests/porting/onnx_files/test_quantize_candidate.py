"""The comparison of int8 files that were tried."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from porting.onnx_files.quantization.choose import sort_key
from porting.onnx_files.quantization.int8_candidate import Int8Candidate, share_right, useless
from porting.onnx_files.quantization.int8_format import int8_format_here

INT8 = int8_format_here("u8s8")


def candidate(**changes: Any) -> Int8Candidate:
    """A file that loses a hundredth of the validation accuracy."""
    values: dict[str, Any] = {"loss": 0.01, "useless": False, "fp32_nodes": ()}
    return Int8Candidate(path=Path("model.onnx"), int8=INT8, calibration="minmax", **values | changes)


@pytest.mark.parametrize(("loss", "useless", "good"), [(0.01, False, True), (0.011, False, False), (0.0, True, False)])
def test_a_candidate_is_good_where_it_loses_the_maximum_at_most_and_tells_images_apart(
    loss: float, useless: bool, good: bool
) -> None:
    assert candidate(loss=loss, useless=useless).good(0.01) == good


@pytest.mark.parametrize(
    "worse",
    [
        candidate(loss=0.0, useless=True),
        candidate(loss=0.02),
        candidate(fp32_nodes=("conv",)),
    ],
    ids=["useless", "loses more", "more nodes in fp32"],
)
def test_the_best_is_useful_then_loses_the_least_then_has_the_fewest_nodes_in_fp32(worse: Int8Candidate) -> None:
    assert sort_key(candidate()) < sort_key(worse)


def test_a_useful_candidate_that_loses_less_is_better_in_spite_of_more_nodes_in_fp32() -> None:
    assert sort_key(candidate(loss=0.0, fp32_nodes=("conv",))) < sort_key(candidate())


def test_the_share_of_right_answers_counts_the_largest_value_of_each() -> None:
    answers = np.array([[0.1, 0.9, 0.5], [0.8, 0.1, 0.0], [0.2, 0.3, 0.4], [0.0, 0.2, 0.1]])
    assert share_right(answers, np.array([1, 0, 0, 2])) == 0.5


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([[0.1, 0.9], [0.2, 0.8]], False),
        ([[0.1, 0.9], [0.1, 0.9]], True),
        ([[0.1, 0.9]], False),
        ([[0.1, 0.9], [np.nan, 0.8]], True),
        ([[0.1, np.inf], [0.2, 0.8]], True),
    ],
    ids=["different answers", "one answer to all", "one image", "NaN", "infinite"],
)
def test_answers_are_useless_where_they_are_not_finite_or_the_same_to_all_images(
    answers: list[list[float]], expected: bool
) -> None:
    assert useless(np.array(answers)) == expected
