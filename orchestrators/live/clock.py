"""The clock that joins clients, journal and probe of one process: Unix time, whatever becomes of the system's clock."""

import time

# Read once: a clock that is set meanwhile would put answers beside the wrong seconds of the journal.
UNIX_S_AT_ZERO = time.time() - time.monotonic()


def unix_s() -> float:
    """Seconds since 1970 by the system's clock as it was when this process began."""
    return UNIX_S_AT_ZERO + time.monotonic()
