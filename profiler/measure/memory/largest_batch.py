"""The largest batch that fits into a given memory, found by trying: every trial is a process that may die."""

import time
from collections.abc import Callable

from profiler.measure.memory.batch_trial import Attempt, Work, attempt
from profiler.records.memory import BatchTrial, LargestBatch
from profiler.system.missing_values import unknown

LARGEST = 1024
TOO_LARGE = ("over the limit", "out of memory")
NO_LIMIT = "the target names no memory to keep to: give it memory_bytes"
NEVER_SEEN = "it ended before anybody looked"


def largest_batch(work: Work, place: dict[str, object], limit_bytes: int | None, seconds: float) -> LargestBatch:
    """Searches for as long as `seconds`; without a limit there is nothing to search."""
    if limit_bytes is None:
        figures = dict.fromkeys(("batch", "peak_bytes", "too_large", "too_large_peak_bytes"))
        reasons = unknown({"limit_bytes": None, **figures}, NO_LIMIT)
        return LargestBatch.model_validate({**place, **figures, "trials": [], "reasons": reasons})
    end = time.monotonic() + seconds
    return summary(search(lambda batch: attempt(work, batch, limit_bytes, end - time.monotonic())), place)


def search(try_batch: Callable[[int], Attempt]) -> dict[int, Attempt]:
    """Doubles the batch until one does not fit, then halves what lies between; the attempts in their order.

    It ends early at a batch that fails for another reason than memory.
    """
    attempts: dict[int, Attempt] = {}
    fits, too_large = 0, LARGEST + 1
    while too_large - fits > 1:
        batch = (fits + too_large) // 2 if too_large <= LARGEST else min(max(1, 2 * fits), LARGEST)
        found = attempts[batch] = try_batch(batch)
        if found.outcome == "fits":
            fits = batch
        elif found.outcome in TOO_LARGE:
            too_large = batch
        else:
            break
    return attempts


def summary(attempts: dict[int, Attempt], place: dict[str, object]) -> LargestBatch:
    """The batches on both sides of the limit."""
    fits = max((batch for batch, one in attempts.items() if one.outcome == "fits"), default=None)
    too_large = min((batch for batch, one in attempts.items() if one.outcome in TOO_LARGE), default=None)
    last = list(attempts.values())[-1]
    figures = {
        "batch": fits,
        "peak_bytes": fits and attempts[fits].peak_bytes,
        "too_large": too_large,
        "too_large_peak_bytes": too_large and (attempts[too_large].peak_bytes or None),
    }
    # What ended the search is why a side has no batch.
    reasons = unknown(figures, last.reason or f"no batch above {LARGEST} is tried")
    if too_large is not None:
        reasons |= unknown({"too_large_peak_bytes": figures["too_large_peak_bytes"]}, NEVER_SEEN)
    trials = [trial(batch, one) for batch, one in attempts.items()]
    return LargestBatch.model_validate({**place, **figures, "trials": trials, "reasons": reasons})


def trial(batch: int, one: Attempt) -> BatchTrial:
    peak = one.peak_bytes or None
    return BatchTrial(
        batch=batch,
        outcome=one.outcome,
        peak_bytes=peak,
        seconds=one.seconds,
        reasons=unknown({"peak_bytes": peak}, NEVER_SEEN),
    )
