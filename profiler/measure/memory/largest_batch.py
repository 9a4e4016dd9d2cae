"""The largest batch that fits into a given memory, found by trying: every trial is a process that may die."""

import time
from collections.abc import Callable

from profiler.measure.memory.batch_trial import Attempt, Work, attempt
from profiler.records.base import MissingValues
from profiler.records.memory import BatchTrial, LargestBatch
from profiler.records.place import Place

LARGEST = 1024
TOO_LARGE = ("over the limit", "out of memory")
NO_LIMIT = "the target names no memory to keep to: give it memory_bytes"
NEVER_SEEN = "it ended before anybody looked"


def largest_batch(work: Work, place: Place, seconds: float) -> LargestBatch:
    """Searches for as long as `seconds`; without a limit there is nothing to search."""
    limit_bytes = place.limit_bytes
    if limit_bytes is None:
        names = ("limit_bytes", "batch", "peak_bytes", "too_large", "too_large_peak_bytes")
        return LargestBatch(
            **place.fields(),
            limit_bytes=None,
            batch=None,
            peak_bytes=None,
            too_large=None,
            too_large_peak_bytes=None,
            trials=(),
            reasons=dict.fromkeys(names, NO_LIMIT),
        )
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


def summary(attempts: dict[int, Attempt], place: Place) -> LargestBatch:
    """The batches on both sides of the limit."""
    fits = max((batch for batch, one in attempts.items() if one.outcome == "fits"), default=None)
    too_large = min((batch for batch, one in attempts.items() if one.outcome in TOO_LARGE), default=None)
    # What ended the search is why a side has no batch.
    why, missing = list(attempts.values())[-1].reason or f"no batch above {LARGEST} is tried", MissingValues()
    peak_bytes = None if fits is None else attempts[fits].peak_bytes
    too_large_peak_bytes = None if too_large is None else attempts[too_large].peak_bytes or None
    return LargestBatch(
        **place.fields(),
        limit_bytes=place.limit_bytes,
        batch=missing.note("batch", fits, why),
        peak_bytes=missing.note("peak_bytes", peak_bytes, why),
        too_large=missing.note("too_large", too_large, why),
        too_large_peak_bytes=missing.note(
            "too_large_peak_bytes", too_large_peak_bytes, why if too_large is None else NEVER_SEEN
        ),
        trials=tuple(trial(batch, one) for batch, one in attempts.items()),
        reasons=missing.reasons,
    )


def trial(batch: int, one: Attempt) -> BatchTrial:
    """The record of one batch that was tried."""
    missing, peak_bytes = MissingValues(), one.peak_bytes or None
    return BatchTrial(
        batch=batch,
        outcome=one.outcome,
        peak_bytes=missing.note("peak_bytes", peak_bytes, NEVER_SEEN),
        seconds=one.seconds,
        reasons=missing.reasons,
    )
