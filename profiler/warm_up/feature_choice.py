"""The choice of a few of the monitor's features by a random forest, as in the GPU warm-up paper (WoSC 2023, 4.2).

The paper collects the state of the system before each first inference, ranks its features by their importance in a
random forest, and trains another forest with the four most important ones.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from profiler.common.archives import Samples
from profiler.common.errors import BadInputError
from profiler.records.warm_up import MONITORED, MONITORED_FEATURES
from profiler.warm_up.dataset import Dataset, Measured, dataset
from profiler.warm_up.evaluation import errors
from profiler.warm_up.predictor import Errors
from profiler.warm_up.regression import forest

BATCH = "batch"
CHOSEN = 4
# The four of the paper, by the names of its monitor.
PAPER = (
    "process/involuntary_proc_ctx_switches",
    BATCH,
    "03_gpu_mem/requested_bytes.all.current",
    "03_gpu_mem/allocated_bytes.large_pool.current",
)
FIX = "measure new variants with profile.monitor=true, or remove profiles and samples to measure them again"


@dataclass(frozen=True)
class Selection:
    """The features by their importance, the most important first, and the errors of forests of some of them."""

    rows: int
    importance: dict[str, float]
    unknown: list[str]
    errors: dict[str, Errors]

    @property
    def chosen(self) -> list[str]:
        """The most important features."""
        return list(self.importance)[:CHOSEN]


def select(monitored: Iterable[tuple[Measured, Samples]]) -> Selection:
    """The choice from the samples of profiles on one target; raises `BadInputError` where they have no features."""
    table, unknown = observed(monitored)
    found = forest().fit(table.features, table.times_ms).regressor_.feature_importances_
    importance = dict(sorted(zip(table.names, map(float, found), strict=True), key=lambda one: -one[1]))
    names = {"all": table.names, "chosen": list(importance)[:CHOSEN]}
    names["the paper's that are known"] = [name for name in PAPER if name in table.names]
    scores = {of: errors(lambda _: forest(), only(table, some)) for of, some in names.items()}
    return Selection(len(table.times_ms), importance, unknown, scores)


def observed(monitored: Iterable[tuple[Measured, Samples]]) -> tuple[Dataset, list[str]]:
    """Each first inference with the features before it, and the names of features that are unknown at one of them."""
    rows: list[dict[str, float]] = []
    times_ms: list[float] = []
    owners: list[Measured] = []
    for one, samples in monitored:
        for batch, features, first_ms in first_inferences(samples):
            rows.append({BATCH: batch, **features})
            times_ms.append(first_ms)
            owners.append(one)
    if not rows:
        raise BadInputError(f"no samples have the monitor's features: {FIX}")
    every = dict.fromkeys(name for row in rows for name in row)
    unknown = [name for name in every if not all(np.isfinite(row.get(name, np.nan)) for row in rows)]
    known = [{name: row[name] for name in every if name not in unknown} for row in rows]
    return dataset(known, times_ms, owners), unknown


def first_inferences(samples: Samples) -> Iterable[tuple[int, dict[str, float], float]]:
    """The batch, the features and the time in ms of each first inference; raises `BadInputError` for other shapes."""
    names = [str(name) for name in np.ravel(samples.get(MONITORED_FEATURES, []))]
    for name in samples:
        batch = name.removeprefix(MONITORED)
        if batch == name or not batch.isdecimal():
            continue
        values, times_ms = samples[name], samples.get(f"first_inference_batch_{batch}_ms", np.array([]))
        fit = times_ms.ndim == 1 and values.shape == (len(times_ms), len(names))
        if not fit or {values.dtype.kind, times_ms.dtype.kind} != {"f"} or not np.all(times_ms > 0):
            raise BadInputError(f"the samples {name} do not fit their first inferences: {FIX}")
        for row, first_ms in zip(values, times_ms, strict=True):
            yield int(batch), dict(zip(names, map(float, row), strict=True)), float(first_ms)


def only(table: Dataset, names: list[str]) -> Dataset:
    """The table with some of its features."""
    return replace(table, names=names, features=table.features[:, [table.names.index(name) for name in names]])
