"""How InfAdapter reads: reconfigurable-ml-pipeline/InfAdapter, auto_tuner/adapter.

train_capacity_models.py fits a line over the cores to the rows of one SLA, reconfig.py takes that line's figures,
main.py the environment.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pandas as pd
from sklearn.linear_model import LinearRegression


@dataclass(frozen=True)
class Adapter:
    """What the adapter holds after its start."""

    versions: list[int]
    accuracies: dict[int, float]
    memory: dict[int, str]
    load_times: dict[int, float]
    objective_ms: int
    base_model: str


def variables(text: str) -> dict[str, str]:
    """`docker run --env-file`: lines that are no comments, split at the first equals sign."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def adapter(text: str) -> Adapter:
    found = variables(text)

    def by_version(name: str) -> dict[int, Any]:
        return {int(key): value for key, value in json.loads(found[name]).items()}

    return Adapter(
        versions=sorted(json.loads(found["MODEL_VERSIONS"])),
        accuracies={key: float(value) for key, value in by_version("BASELINE_ACCURACIES").items()},
        memory=by_version("MEMORY_SIZES"),
        load_times={key: float(value) for key, value in by_version("LOAD_TIMES").items()},
        objective_ms=int(found["LATENCY_SLO_MS"]),
        base_model=found["BASE_MODEL_NAME"],
    )


@dataclass(frozen=True)
class CapacityLine:
    """The line of one version: an intercept above zero is dropped, one below loses its fraction."""

    slope: float
    intercept: float

    def requests_per_s(self, cores: int) -> float:
        return self.slope * cores + int(min(self.intercept, 0.99))


def trained(table: str, versions: list[int], objective_ms: int) -> Iterator[CapacityLine]:
    """One line a version, through the rows whose cores the script does not leave out."""
    frame = pd.read_csv(StringIO(table))
    frame = frame[frame["SLA"] == objective_ms].query("CPU in (1,2,4,8,16)")
    for version in versions:
        rows = frame[frame["ARCH"] == version]
        line = LinearRegression().fit(rows[["CPU"]].to_numpy(), rows["capacity"])
        yield CapacityLine(float(line.coef_[0]), float(line.predict([[4]])[0] - 4 * line.coef_[0]))
