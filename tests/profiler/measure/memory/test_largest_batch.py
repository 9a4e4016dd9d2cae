"""The search for the largest batch: doubling, halving, and what it says of its end."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from profiler.common.target import Resources, Target
from profiler.measure.memory.batch_trial import Attempt, Work
from profiler.measure.memory.largest_batch import LARGEST, largest_batch, search, summary
from profiler.records.memory import Outcome
from profiler.records.place import Place

PLACE = Place("onnxruntime", Resources(1, 1, 1), limit_bytes=1000)


def trying(fits: int, otherwise: Outcome = "over the limit") -> Callable[[int], Attempt]:
    """Batches up to `fits` fit, taking 10 bytes an image."""
    return lambda batch: Attempt("fits" if batch <= fits else otherwise, f"batch {batch}", 10 * batch, 0.1)


@pytest.mark.parametrize("fits", [1, 2, 3, 7, 64, 100, LARGEST - 1])
def test_the_search_finds_the_largest_batch_exactly(fits: int) -> None:
    found = summary(search(trying(fits)), PLACE)
    assert (found.batch, found.too_large) == (fits, fits + 1)
    assert (found.peak_bytes, found.too_large_peak_bytes) == (10 * fits, 10 * (fits + 1))


def test_the_search_doubles_and_then_halves() -> None:
    assert list(search(trying(5))) == [1, 2, 4, 8, 6, 5]


def test_the_search_ends_where_nobody_asks_for_more() -> None:
    found = summary(search(trying(10**9)), PLACE)
    assert (found.batch, found.too_large) == (LARGEST, None)
    assert str(LARGEST) in found.reasons["too_large"]


def test_not_even_one_image_may_fit() -> None:
    found = summary(search(trying(0)), PLACE)
    assert (found.batch, found.too_large) == (None, 1)
    assert found.reasons["batch"] == "batch 1"


@pytest.mark.parametrize("outcome", ["too slow", "refused"])
def test_a_batch_that_fails_for_another_reason_ends_the_search_and_is_not_called_too_large(outcome: Outcome) -> None:
    found = summary(search(trying(4, outcome)), PLACE)
    assert [trial.outcome for trial in found.trials] == ["fits", "fits", "fits", outcome]
    assert (found.batch, found.too_large) == (4, None)
    assert found.reasons["too_large"] == "batch 8"


def test_without_a_limit_nothing_is_searched() -> None:
    found = largest_batch(Work(Target(), Path("model.onnx"), (1,), [0]), replace(PLACE, limit_bytes=None), 10)
    assert (found.batch, found.trials) == (None, ())
    assert "memory_bytes" in found.reasons["batch"]
