"""Server and client must agree about how much was answered."""

import time

from profiler.common.errors import ServerError
from profiler.runtimes.served import Served

COUNT_TOLERANCE = 0.02
COUNT_LIMIT_S, POLL_S = 1.0, 0.02


def count_since(served: Served, before: int | None, answers: int) -> int | None:
    """Inputs that the server counted since, `None` where it counts nothing.

    A server counts an answer after sending it, so it has a moment to come to the client's `answers`.
    """
    deadline = time.monotonic() + COUNT_LIMIT_S
    while before is not None and (after := served.answers_counted()) is not None:
        if after - before >= answers or time.monotonic() > deadline:
            return after - before
        time.sleep(POLL_S)
    return None


def check_counts(counted: int | None, answers: int) -> None:
    """Raises `ServerError` where the server counted another number of answered inputs than the client."""
    if counted is not None and abs(counted - answers) > COUNT_TOLERANCE * answers:
        raise ServerError(
            f"the server counts {counted} answers where the client had {answers}: "
            "it was replaced, or somebody else is calling it"
        )
