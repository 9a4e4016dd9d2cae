"""The check that a network's time and memory grow no faster than its batch.

The network answers one input and a batch of two, within limits from its counted work. The memory of batches up to the
largest of a server is counted. A count does not include the memory that an operator allocates for itself, so some
larger batches are answered too, each about twice as large as the one before, as long as that is cheap.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from profiler.common.batching import MAX_BATCH
from profiler.common.errors import ModelError
from profiler.confined.protocol import TRUST, Step, next_step, trusted
from profiler.graph.shapes import UncountedError
from profiler.system.processes import status

CPU_S, MEMORY_BYTES = 3.0, 1 << 30
# The factor of all limits for files that the user trusts.
TRUSTED = 60
# The speed of the slowest processor that is worth serving with.
MACS_PER_S = 1e9
# The limits of the time of all steps after loading together, and of the memory of each, also above the count.
MOST_CPU_S, MOST_BYTES = 240.0, 2 << 30
# Memory that is always allowed, and the factor by which counted memory may grow faster than the batch.
FREE_BYTES, SLACK = 1 << 30, 2
# The most time for trying a batch, and the same where its memory could not be counted.
TRIED_S, TRIED_UNCOUNTED_S = 1.0, 3.0
# Memory that an allocator may reserve beyond what is requested.
SMALL_BYTES = 256 << 20
TRIED_BATCHES = (3, 6, 12, 24, 48, MAX_BATCH)


class Network(Protocol):
    """A network with inputs of one shape; counting raises `UncountedError` where it is impossible."""

    # The batches to count, and the time limit for all counts.
    batches: Sequence[int]
    counting_s: float

    def macs(self) -> int:
        """The multiply-accumulates for one input, as far as they are known."""

    def activation_bytes(self, batch: int) -> int:
        """The bytes of all tensors between the operators for a batch."""

    def answer(self, batch: int) -> None:
        """Answers a batch; raises `ModelError` for a wrong shape or values that are not finite."""


def begin(batch: int, cpu_s: float, memory_bytes: int) -> None:
    """Announces the next step of the confined process with these limits, larger ones where the file is trusted."""
    more = TRUSTED if trusted() else 1
    next_step(Step(batch, more * cpu_s, more * memory_bytes))


def answer_few(network: Network) -> float:
    """Answers one input, then a batch of two; returns the processor time of the batch of two in s."""
    macs, took_s = network.macs(), 0.0
    for batch in (1, 2):
        begin(batch, CPU_S + batch * macs / MACS_PER_S, known_bytes(network, batch))
        took_s = timed(network, batch)
    return took_s


def known_bytes(network: Network, batch: int) -> int:
    """The bytes of a batch's tensors, 0 where they are unknown."""
    try:
        return network.activation_bytes(batch)
    except UncountedError:
        return 0


def timed(network: Network, batch: int) -> float:
    """The processor time of answering a batch, in s."""
    start = time.process_time()
    network.answer(batch)
    return time.process_time() - start


def check_larger(network: Network, took_s: float) -> None:
    """Raises `ModelError` where memory grows faster than the batch; `took_s` is the time of a batch of two."""
    begin(-1, CPU_S + network.counting_s, MOST_BYTES)
    try:
        one = network.activation_bytes(1)
        for batch in network.batches:
            found = network.activation_bytes(batch)
            if found > max(FREE_BYTES, SLACK * batch * one) and not trusted():
                raise too_much(batch, found, one, "one input")
    except UncountedError:
        try_uncounted(network, took_s)
    else:
        try_counted(network, took_s)


def try_counted(network: Network, took_s: float) -> None:
    """Answers larger batches within their counted memory, until one would take too much time or memory."""
    before = 2
    for batch in TRIED_BATCHES:
        expected_s, limit_bytes = took_s * batch / before, SLACK * network.activation_bytes(batch)
        if expected_s > TRIED_S or limit_bytes > MOST_BYTES:
            return
        begin(batch, CPU_S + 2 * expected_s, limit_bytes)
        took_s, before = timed(network, batch), batch


def try_uncounted(network: Network, took_s: float) -> None:
    """Answers larger batches, until the next one would take too much time or memory in proportion to its size.

    Raises `ModelError` where memory grows faster than the batch. The memory of a batch of two is unknown here.
    """
    before, grown, start = 2, 0, taken_bytes()
    for batch in TRIED_BATCHES:
        expected_s, limit_bytes = took_s * batch / before, SLACK * grown * batch // before
        if expected_s > TRIED_UNCOUNTED_S or limit_bytes > MOST_BYTES:
            return
        begin(batch, CPU_S + 2 * expected_s, limit_bytes)
        took_s, found = timed(network, batch), taken_bytes() - start
        if grown and found > limit_bytes + SMALL_BYTES and not trusted():
            raise too_much(batch, found, grown, f"one of {before}")
        before, grown = batch, max(found, 1)


def too_much(batch: int, found_bytes: int, before_bytes: int, before: str) -> ModelError:
    """The error for a batch whose memory grew faster than the batch."""
    return ModelError(
        f"a batch of {batch} takes {found_bytes / 2**20:,.0f} MiB of memory where {before} takes "
        f"{before_bytes / 2**20:,.1f}: export a network whose memory grows no faster than its batch, "
        f"or set {TRUST}=1 if you trust it"
    )


def taken_bytes() -> int:
    """The peak memory of this process so far."""
    lines = status(Path("/proc/self"))
    return 1024 * max(int(lines[name].split()[0]) for name in ("VmHWM", "VmData"))
