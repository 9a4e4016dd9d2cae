"""The features of the GPU warm-up paper's monitor (github.com/cirquit/py-hardware-monitor), by its names.

The paper counts 164 features with one GPU. Its script has 48 and one for each key of `torch.cuda.memory_stats()`, 119
with torch 2.0. `paper_features.csv` and the allocator's names have all of them. The paper's switches are the main
thread's, and its count of dirty pages is in bytes.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from profiler.system.monitor.allocator import GAUGE, NUMBERS, OF_ALL, OF_POOLS, POOLS
from profiler.system.monitor.change import StateChange
from profiler.system.monitor.system_state import SystemState

TABLE = Path(__file__).with_suffix(".csv")
ALLOCATOR = (
    *(f"{name}.{pool}.{part}" for name in OF_POOLS for pool in POOLS for part in GAUGE),
    *(f"{name}.{part}" for name in OF_ALL for part in GAUGE),
    *NUMBERS,
)


@dataclass(frozen=True)
class Feature:
    """The path of a field, and the factor that turns it into the paper's unit.

    A path begins at a snapshot (`state`), at the change since the run began (`run`), or since the last one (`last`).
    """

    path: str
    factor: float = 1.0


def paper_features(gpus: int) -> dict[str, Feature]:
    """The table for a machine with this number of GPUs; the rows of a GPU have `{gpu}` in place of its index."""
    with TABLE.open(newline="") as file:
        rows = [(row["name"], Feature(row["path"], float(row["factor"]))) for row in csv.DictReader(file)]
    rows += [(f"03_gpu_mem/{name}", Feature(f"state.allocator.{name}")) for name in ALLOCATOR]
    of_host = {name: one for name, one in rows if not one.path.startswith(("state.allocator.", "state.gpus."))}
    of_gpus = {
        name.format(gpu=index): Feature(one.path.format(gpu=index), one.factor)
        for index in range(gpus)
        for name, one in rows
        if name not in of_host
    }
    return {**of_host, **of_gpus}


def evaluate(state: SystemState, run: StateChange, last: StateChange) -> dict[str, float | None]:
    """Every feature at one snapshot, `None` where the field is unknown; the snapshot holds the reason."""
    sides: dict[str, object] = {"state": state, "run": run, "last": last}
    table = paper_features(len(state.gpus or []))
    return {
        name: None if (value := follow(sides, feature.path)) is None else float(value) * feature.factor
        for name, feature in table.items()
    }


def follow(sides: dict[str, object], path: str) -> Any:
    """The value at the end of a path of names, keys and indices; `None` where a part of it is unknown."""
    value: Any = sides
    for step in path.split("."):
        if isinstance(value, dict):
            value = value[step]
        elif isinstance(value, list):
            value = value[int(step)]
        elif value is not None:
            value = getattr(value, step)
    return value
