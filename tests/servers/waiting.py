"""Waiting for what a server does a moment after it answers."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether the condition holds within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def settled(count: Callable[[], int], seconds: float = 20, between_s: float = 0.2) -> int:
    """The count, once two readings agree: Triton counts a request a moment after its answer.

    Raises `AssertionError` for a count that never rests.
    """
    deadline, reading = time.monotonic() + seconds, count()
    while time.monotonic() < deadline:
        before = reading
        time.sleep(between_s)
        reading = count()
        if reading == before:
            return reading
    raise AssertionError(f"the count never rests, and is {reading} after {seconds:g} s")
