"""Filling a table of operators: in a random order against drift, within a budget, going on where it was left."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from profiler.bench import HOST_LOCK
from profiler.errors import DnnPortingError
from profiler.files import read_record, write_atomically
from profiler.identity import fingerprint
from profiler.load_generator.probe import Probe
from profiler.locks import exclusive
from profiler.operators.operator import Operator, OperatorPoint, Place, Precision
from profiler.operators.table import OperatorTable
from profiler.operators.timing import measure_operator
from profiler.runtimes.session import pinned
from profiler.system.cores import split_cores
from profiler.target import Target

# By operator: the numbers of input channels and of output channels to measure, each with each.
Wanted = Mapping[Operator, tuple[Sequence[int], Sequence[int]]]

SAVED_EVERY_S, PROBED_EVERY, SEED = 5.0, 20, 0


def measured_table(
    path: Path, target: Target, batch: int, precision: Precision, wanted: Wanted, budget_s: float,
    advance: Callable[[int], None],
) -> OperatorTable:  # fmt: skip
    """The table at `path` with all that is wanted; what it lacks is measured on the target's cores and threads.

    `advance` is told how many points are left. Raises `BadInputError` where another run is measuring on this host,
    `DnnPortingError` where the budget is spent first: what was measured stays, and the next call goes on.
    """
    table = read_table(path)
    missing = lacking(table, wanted)
    if not missing:
        if table is None:
            raise DnnPortingError("no operator is wanted: the network has no convolution or matrix product")
        return table
    cores, _ = split_cores(target.cores)
    with exclusive(HOST_LOCK, "the profiler on this host"), pinned(cores):
        probe = Probe(cores)
        table = table or OperatorTable(
            fingerprint=fingerprint(target, None, "in-process", ort.__version__), batch=batch, precision=precision,
            probe_per_s=probe.usual_rate_per_s(), points=(),
        )  # fmt: skip
        table = fill(table, missing, path, target.threads, probe, time.monotonic() + budget_s, advance)
    if left := len(lacking(table, wanted)):
        raise DnnPortingError(f"{left} operators were not measured within {budget_s:g} s: run again to go on")
    return table


def read_table(path: Path) -> OperatorTable | None:
    """What is there already."""
    return read_record(path, OperatorTable, f"remove {path}, and it is measured again") if path.exists() else None


def lacking(table: OperatorTable | None, wanted: Wanted) -> list[Place]:
    """The places that are wanted and not in the table."""
    known = {(point.operator, point.in_channels, point.out_channels) for point in table.points} if table else set()
    places = [
        (operator, before, after)
        for operator, (ins, outs) in wanted.items()
        for before, after in itertools.product(ins, outs)
        if operator.kind != "depthwise" or before == after
    ]
    return [place for place in places if place not in known]


def fill(
    table: OperatorTable, missing: Sequence[Place], path: Path, threads: int, probe: Probe, deadline: float,
    advance: Callable[[int], None],
) -> OperatorTable:  # fmt: skip
    """Measures until all is there or the deadline is over; the table is written every few seconds."""
    found: list[OperatorPoint] = []
    order = np.random.default_rng(SEED).permutation(len(missing))
    saved, speed = time.monotonic(), 1.0
    for number, place in enumerate(order):
        if number % PROBED_EVERY == 0:
            speed = probe.rate_per_s() / table.probe_per_s
        point = measure_operator(missing[place], table.batch, table.precision, threads)
        found.append(point.model_copy(update={"us": point.us * speed}))
        advance(len(missing) - number - 1)
        if time.monotonic() > min(deadline, saved + SAVED_EVERY_S):
            table, found, saved = saved_with(table, found, path), [], time.monotonic()
            if saved > deadline:
                break
    return saved_with(table, found, path)


def saved_with(table: OperatorTable, points: Sequence[OperatorPoint], path: Path) -> OperatorTable:
    """The table with these points, as it is on disk from now on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = table.with_points(points)
    write_atomically(path, table.model_dump_json())
    return table
