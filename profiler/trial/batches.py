"""Whether a network takes for a batch what its first inputs let expect: time and memory that grow with the batch.

One input and a batch of two are answered, with limits that the network's counted work sets. Larger batches are
counted, which costs little, up to the largest that a server may make of what it is sent. A count knows nothing of what
an operator takes for itself while it runs. So some are answered as well, each about twice as large as the one before,
as long as that is cheap.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from profiler.common.errors import ModelError
from profiler.common.profile_settings import MAX_BATCH
from profiler.confined.protocol import TRUST, Step, next_step, trusted
from profiler.graph.shapes import UncountedError
from profiler.system.processes import status

CPU_S, MEMORY_BYTES = 3.0, 1 << 30
# A file that the user answers for has so many times as much.
TRUSTED = 60
# The slowest processor that is worth serving with; what it cannot do well takes it longer.
MACS_PER_S = 1e9
# What all steps after loading may take together, and each of them in memory, whatever is counted.
MOST_CPU_S, MOST_BYTES = 240.0, 2 << 30
# Memory that need not grow with the batch for a network to be an honest one, and the slack of what must.
FREE_BYTES, SLACK = 1 << 30, 2
# What trying a batch may cost, more where its memory could not be counted.
TRIED_S, TRIED_UNCOUNTED_S = 1.0, 3.0
# What an allocator may take at once for more than is asked for.
SMALL_BYTES = 256 << 20
TRIED_BATCHES = (3, 6, 12, 24, 48, MAX_BATCH)


class Network(Protocol):
    """A network with inputs of one shape; counting raises `UncountedError` where it cannot be done."""

    # What is counted, and the time that this may take.
    batches: Sequence[int]
    counting_s: float

    def macs(self) -> int:
        """The multiply-accumulates for one input, as far as they are known."""
        ...

    def activation_bytes(self, batch: int) -> int: ...

    def answer(self, batch: int) -> None:
        """Raises `ModelError` for what is no answer."""
        ...


def begin(batch: int, cpu_s: float, memory_bytes: int) -> None:
    """The next step of the confined process has so much, and more where the user answers for the file."""
    more = TRUSTED if trusted() else 1
    next_step(Step(batch, more * cpu_s, more * memory_bytes))


def answer_few(network: Network) -> float:
    """Has one input answered, then a batch of two; returns the second's processor time in s."""
    macs, took_s = network.macs(), 0.0
    for batch in (1, 2):
        begin(batch, CPU_S + batch * macs / MACS_PER_S, known_bytes(network, batch))
        took_s = timed(network, batch)
    return took_s


def known_bytes(network: Network, batch: int) -> int:
    """What a batch's tensors take, 0 where that is unknown."""
    try:
        return network.activation_bytes(batch)
    except UncountedError:
        return 0


def timed(network: Network, batch: int) -> float:
    start = time.process_time()
    network.answer(batch)
    return time.process_time() - start


def check_larger(network: Network, took_s: float) -> None:
    """Raises `ModelError` for a network whose memory grows faster than its batch.

    `took_s` is what a batch of two took.
    """
    begin(-1, CPU_S + network.counting_s, MOST_BYTES)
    try:
        check_counted(network)
    except UncountedError:
        try_uncounted(network, took_s)
    else:
        try_counted(network, took_s)


def check_counted(network: Network) -> None:
    one = network.activation_bytes(1)
    for batch in network.batches:
        found, due = network.activation_bytes(batch), max(FREE_BYTES, SLACK * batch * one)
        if found > due and not trusted():
            raise too_much(batch, found, one, "one input")


def try_counted(network: Network, took_s: float) -> None:
    """Has larger batches answered in the memory that the count lets expect, until one is too dear or has no bound."""
    before = 2
    for batch in TRIED_BATCHES:
        expected_s, due = took_s * batch / before, SLACK * network.activation_bytes(batch)
        if expected_s > TRIED_S or due > MOST_BYTES:
            return
        begin(batch, CPU_S + 2 * expected_s, due)
        took_s, before = timed(network, batch), batch


def try_uncounted(network: Network, took_s: float) -> None:
    """Has larger batches answered, until the next one is too dear or would honestly take more than there is.

    Raises `ModelError` where memory grows faster than the batch. What a batch of two took is not known.
    """
    before, grown, start = 2, 0, taken_bytes()
    for batch in TRIED_BATCHES:
        expected_s, due = took_s * batch / before, SLACK * grown * batch // before
        if expected_s > TRIED_UNCOUNTED_S or due > MOST_BYTES:
            return
        begin(batch, CPU_S + 2 * expected_s, due)
        took_s, found = timed(network, batch), taken_bytes() - start
        if grown and found > due + SMALL_BYTES and not trusted():
            raise too_much(batch, found, grown, f"one of {before}")
        before, grown = batch, max(found, 1)


def too_much(batch: int, found_bytes: int, before_bytes: int, before: str) -> ModelError:
    return ModelError(
        f"a batch of {batch} takes {found_bytes / 2**20:,.0f} MiB of memory where {before} takes "
        f"{before_bytes / 2**20:,.1f}: export a network whose memory grows no faster than its batch, "
        f"or set {TRUST}=1 if you trust it"
    )


def taken_bytes() -> int:
    """The most that this process has had in memory."""
    lines = status(Path("/proc/self"))
    return 1024 * max(int(lines[name].split()[0]) for name in ("VmHWM", "VmData"))
