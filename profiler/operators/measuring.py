"""The measurement of a table of operators, in passes, as a machine is slow at times; a later call continues."""

import itertools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from profiler.common.errors import BadInputError, DnnPortingError
from profiler.common.files import read_record, write_record
from profiler.common.locks import alone_on_host
from profiler.common.profile_settings import DAY_S
from profiler.common.target import Target
from profiler.operators.operator import Operator, OperatorPoint, Place, Precision
from profiler.operators.table import OperatorTable
from profiler.operators.timing import block, measure_operator, pass_s
from profiler.records.complexity import Fingerprint
from profiler.system.machine import pinned, split_cores
from profiler.target.identity import fingerprint
from profiler.target.prepared_target import PROFILER

# The numbers of input channels and of output channels to measure, in all pairs, by operator.
Wanted = Mapping[Operator, tuple[Sequence[int], Sequence[int]]]

PASSES, SAVED_EVERY_S, SEED = 3, 5.0, 0


def measured_table(
    path: Path, target: Target, batch: int, precision: Precision, wanted: Wanted, budget_s: float,
    advance: Callable[[int], None], wait_s: float = DAY_S,
) -> OperatorTable:  # fmt: skip
    """The table at `path` with all wanted points; missing ones are measured on the target's cores and threads.

    `advance` gets the number of passes left. Raises `BadInputError` where another run still measures on this host
    after `wait_s`, or the file has another table, and `DnnPortingError` for a spent budget: the next call continues.
    """
    table = read_table(path, target, batch, precision)
    missing = missing_passes(table, wanted)
    if table is not None and not any(missing):
        return table
    cores, _ = split_cores(target.cores)
    with alone_on_host(PROFILER, wait_s), pinned(cores):
        table = table or OperatorTable(
            fingerprint=machine(target), batch=batch, precision=precision, block=block(precision), points=(),
        )  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        table = fill(table, missing, path, target.threads, time.monotonic() + budget_s, advance)
    if left := sum(map(len, missing_passes(table, wanted))):
        raise DnnPortingError(
            f"{left} passes over operators were not made within {budget_s:g} s: run again to continue"
        )
    return table


def read_table(path: Path, target: Target, batch: int, precision: Precision) -> OperatorTable | None:
    """The stored table, `None` without a file; raises `BadInputError` for another machine, batch or precision."""
    fix = f"remove {path}, and it is measured again"
    if not os.path.lexists(path):
        return None
    table = read_record(path, OperatorTable, fix)
    expected = {"fingerprint": machine(target), "batch": batch, "precision": precision}
    if others := [name for name, value in expected.items() if getattr(table, name) != value]:
        raise BadInputError(f"{path} has another {' and '.join(others)} than this pruning needs: {fix}")
    return table


def machine(target: Target) -> Fingerprint:
    """The fingerprint of the machine on which operators are measured."""
    return fingerprint(target, None, "in-process", ort.__version__)


def places(wanted: Wanted) -> list[Place]:
    """The wanted operators at every pair of their widths."""
    return [
        (operator, before, after)
        for operator, (ins, outs) in wanted.items()
        for before, after in itertools.product(ins, outs)
        if not operator.keeps_width or before == after
    ]


def missing_passes(table: OperatorTable | None, wanted: Wanted) -> list[list[Place]]:
    """The passes to make, each as the wanted places that had fewer passes."""
    made = {point.place: point.passes for point in table.points} if table else {}
    return [[place for place in places(wanted) if made.get(place, 0) <= number] for number in range(PASSES)]


def expected_s(wanted: Wanted, batch: int) -> float:
    """The expected time for measuring a whole table."""
    return PASSES * sum(pass_s(place, batch) for place in places(wanted))


def fill(
    table: OperatorTable, missing: Sequence[Sequence[Place]], path: Path, threads: int, deadline: float,
    advance: Callable[[int], None],
) -> OperatorTable:  # fmt: skip
    """Measures in random order until the table is complete or the deadline is over; it is written every few seconds."""
    generator = np.random.default_rng(SEED)
    order = [one[index] for one in missing for index in generator.permutation(len(one))]
    found: list[OperatorPoint] = []
    saved = time.monotonic()
    for number, place in enumerate(order):
        found.append(measure_operator(place, table.batch, table.precision, threads))
        advance(len(order) - number - 1)
        if time.monotonic() > min(deadline, saved + SAVED_EVERY_S):
            table, found, saved = saved_with(table, found, path), [], time.monotonic()
            if saved > deadline:
                break
    return saved_with(table, found, path)


def saved_with(table: OperatorTable, points: Sequence[OperatorPoint], path: Path) -> OperatorTable:
    """Writes the table with these passes, and returns it."""
    table = table.with_passes(points)
    write_record(path, table)
    return table
