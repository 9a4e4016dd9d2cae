"""The search for dynamic batching against an exhaustive sweep: the share of the highest capacity that its choice has.

Usage: python scripts/benchmark_batching.py [MODEL.onnx …] [--deadline-ms MS] [--tiny]. Without a model it measures the
networks of the profiler's benchmark. `--tiny` sweeps four candidates with short trials, prints, and records nothing.
"""

import argparse
from collections.abc import Generator
from pathlib import Path
from typing import Any, TypeVar

import profiler  # isort: skip  # noqa: F401  # before ONNX Runtime, so that it does not report to its maker

import yaml
from figures import ROOT, Figure, record, show

from profiler.common.errors import ServerError
from profiler.common.profile_settings import DynamicBatchingSettings
from profiler.common.target import Target
from profiler.measure.batching.part import search_of
from profiler.measure.batching.race import grid
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement
from profiler.records.base import Point
from profiler.records.capacity import Capacity
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import PreparedTarget, prepared_target

T = TypeVar("T")
FOLDER = ROOT / "artifacts" / "benchmark_profiler" / "networks"
TINY = {
    "quantile": 0.9, "seconds": 0.3, "search_seconds": 15, "candidates": 2, "queue_delays_us": [0, 1000],
    "preferred_batches": [[4], [16]],
}  # fmt: skip


def settings(deadline_ms: float | None, tiny: bool) -> DynamicBatchingSettings:
    """The settings of the level `full`, with this deadline."""
    usual = yaml.safe_load((ROOT / "conf" / "profile" / "full.yaml").read_text())["dynamic_batching"]
    values: dict[str, Any] = {**usual, **(TINY if tiny else {}), "deadline_ms": deadline_ms}
    return DynamicBatchingSettings.model_validate(values)


def finished(work: Generator[Measurement, Point | None, T], ledger: Ledger) -> T:
    """The result of a part of the plan whose measurements are made now."""
    answer: Point | None = None
    while True:
        try:
            measurement = work.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        if (answer := ledger.find(measurement)) is None:
            ledger.add("benchmark", points := measurement.measure())
            answer = points[0]


def compared(ready: PreparedTarget, path: Path, wanted: DynamicBatchingSettings) -> dict[str, Figure]:
    """The figures of one network: the search first, then every candidate with a whole search for its capacity."""
    with ModelUnderTest(ready, path) as model:
        search = finished(search_of(model, wanted, ledger := Ledger([], [])), ledger)
        if search is None:
            raise ServerError(f"the latency or the throughput of {path} could not be measured")
        found, everything = search.run(), grid(wanted, search.goal.deadline_ms)
        _, most = search.learn(everything)
        capacities = {one: search.capacity(one, most) for one in everything}
    name, off = path.parent.name if path.name == "model.onnx" else path.stem, rate(found.without)
    best = max(off, *map(rate, capacities.values()))
    chosen = rate(capacities[found.best]) if found.on else off
    note = f"{found.best if found.on else 'off'}, within {found.deadline_ms:g} ms, of {len(everything)} candidates"
    return {
        f"{name}: share of the highest capacity": Figure(100 * chosen / best, "%", None, f"to reach: 90; {note}"),
        f"{name}: the search": Figure(found.search_s, "s", None, "to reach: at most 60"),
        f"{name}: capacity over that without batching": Figure(chosen / off if off else None, "ratio", None, ""),
    }


def rate(capacity: Capacity) -> float:
    """The capacity relative to the reference, which does not drift; 0 where no rate met the deadline."""
    return capacity.relative_capacity or 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="*", metavar="MODEL.onnx")
    parser.add_argument("--deadline-ms", type=float)
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    paths = options.models
    if not paths:
        from benchmark_networks import networks

        paths = [one.path for one in networks(FOLDER)]
    wanted, figures = settings(options.deadline_ms, options.tiny), dict[str, Figure]()
    with prepared_target("local_cpu", Target()) as ready:
        for path in paths:
            figures |= compared(ready, path, wanted)
    if options.tiny:
        show("batching", figures)
    else:
        record("batching", figures)


if __name__ == "__main__":
    main()
