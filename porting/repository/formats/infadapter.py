"""InfAdapter: the training table of its capacity models, and the measured part of its environment.

https://github.com/reconfigurable-ml-pipeline/InfAdapter, auto_tuner/adapter: train_capacity_models.py reads SLA,
CPU, ARCH and capacity, main.py the environment. Its versions are integers that increase with accuracy, and its solver
uses the figures in file order.
"""

import csv
import io
import json
import math
from dataclasses import dataclass

from porting.repository.formats.conversion import Conversion, ConvertedFiles
from porting.repository.formats.kserve import mebibytes
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError
from profiler.common.target import ON_GPU
from profiler.records.capacity import Capacity

QUANTILE, BATCH = 0.99, 1
# The numbers of cores in the training script of InfAdapter.
TRAINED_ON = (1, 2, 4, 8, 16)
COLUMNS = (
    "REPLICA", "HARDWARE", "CPU", "MEM", "ARCH", "BATCH", "NUM_BATCH_THREADS", "MAX_ENQUEUED_BATCHES",
    "INTRA_OP_PARALLELISM", "INTER_OP_PARALLELISM", "SLA", "p99_latency", "capacity", "saturation_tp", "timestamp",
    "variant", "deadline_ms", "low_capacity", "high_capacity", "verdict", "others_share",
)  # fmt: skip
NOT_MEASURED = (
    "BASE_SERVICE_NAME, PROMETHEUS_ENDPOINT, NFS_SERVER_IP, CONTAINER_PORTS, CONTAINER_LABELS, K8S_NAMESPACE, "
    "STABILIZATION_INTERVAL, MAX_CPU, ALPHA, BETA, LSTM_PREDICTION_ERROR_PERCENTAGE, EMW_PREDICTION_ERROR_PERCENTAGE, "
    "WARMUP_COUNT, SOLVER_TYPE, CAPACITY_MODELS, CAPACITY_COEF, LSTM_MODEL"
)


@dataclass(frozen=True)
class Version:
    """A variant under its InfAdapter number, with the memory, load time and capacities of a container."""

    number: int
    one: VariantOnTarget
    memory: str
    load_s: float
    capacities: list[Capacity]

    @classmethod
    def of(cls, number: int, one: VariantOnTarget) -> "Version":
        """The version of a variant; raises `BadInputError` for a missing figure."""
        memory = mebibytes(round(one.needed_figure("peak_bytes", "memory of serving processes")))
        return cls(number, one, memory, one.load_s(), capacities(one))


def files(conversion: Conversion) -> ConvertedFiles:
    """A folder for each task; raises `BadInputError` for a missing figure that InfAdapter needs."""
    texts: dict[str, str] = {}
    found = conversion.measured()
    for task in sorted({one.published.task for one in found}):
        family = sorted((one for one in found if one.published.task == task), key=lambda one: one.accuracy().value)
        versions = [Version.of(number, one) for number, one in enumerate(family, start=1)]
        objectives = objectives_ms(versions)
        texts[f"{task}/capacity.csv"] = table(versions, objectives)
        texts[f"{task}/infadapter.env"] = environment(task, versions, objectives[0])
    return ConvertedFiles(texts)


def table(versions: list[Version], objectives: list[int]) -> str:
    """The table in requests/s and ms, with the longest measured deadline within each objective."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for objective in objectives:
        for one in versions:
            for cores in sorted({point.cores for point in one.capacities}):
                within = [p for p in one.capacities if p.cores == cores and p.deadline_ms <= objective]
                writer.writerow(row(one, objective, max(within, key=lambda point: point.deadline_ms)))
    return text.getvalue()


def row(one: Version, objective_ms: int, point: Capacity) -> dict[str, object]:
    """One row of the table; rates are as delivered, and unmeasured columns are empty."""
    profile = one.one.profile
    at = point.cores, point.threads, point.instances, BATCH
    saturation = [
        best.images_per_s
        for best in profile.max_throughput
        if (best.cores, best.threads, best.instances, best.batch) == at
    ]
    return {
        "REPLICA": 1,
        "HARDWARE": "gpu" if ON_GPU & set(profile.target.providers) else "cpu",
        "CPU": f"{point.cores:g}",
        "MEM": one.memory,
        "ARCH": one.number,
        "BATCH": BATCH,
        "INTRA_OP_PARALLELISM": point.threads,
        "INTER_OP_PARALLELISM": point.instances,
        "SLA": objective_ms,
        "capacity": point.requests_per_s,
        "saturation_tp": saturation[0] if saturation else "",
        "timestamp": profile.measured_at.isoformat(),
        "variant": one.one.name,
        "deadline_ms": point.deadline_ms,
        "low_capacity": point.low_requests_per_s,
        "high_capacity": point.high_requests_per_s,
        "verdict": point.verdict,
        "others_share": point.noise.others_share,
    }


def environment(task: str, versions: list[Version], objective_ms: int) -> str:
    """`KEY=VALUE` lines for `docker run --env-file` and Kubernetes."""
    numbers = {str(one.number): one for one in versions}
    values = {
        "BASE_MODEL_NAME": task,
        "MODEL_VERSIONS": json.dumps([one.number for one in versions]),
        "BASELINE_ACCURACIES": json.dumps({number: one.one.accuracy().value for number, one in numbers.items()}),
        "MEMORY_SIZES": json.dumps({number: one.memory for number, one in numbers.items()}),
        "LOAD_TIMES": json.dumps({number: one.load_s for number, one in numbers.items()}),
        "LATENCY_SLO_MS": str(objective_ms),
    }
    comments = (
        *(f"version {number}: {one.one.provenance()}" for number, one in numbers.items()),
        "BASELINE_ACCURACIES: 0 to 1, validation split; LOAD_TIMES: s, from the load call until ready",
        "MEMORY_SIZES: the peak of the serving processes, without a reserve",
        "capacity.csv: requests/s of which 99 % are answered within deadline_ms, the longest measured deadline within "
        "SLA (ms): the capacity within SLA is at least this. p99_latency was not measured there",
        "train_capacity_models.py has its versions and its SLA in the source: set them to MODEL_VERSIONS and this one",
        f"not measured, to be set by the user: {NOT_MEASURED}",
    )
    return "".join(f"# {line}\n" for line in comments) + "".join(f"{key}={value}\n" for key, value in values.items())


def capacities(one: VariantOnTarget) -> list[Capacity]:
    """The capacities for single requests at the 99th percentile; raises `BadInputError` for too few to fit a line."""
    instances = one.profile.target.instances
    found = [
        point
        for point in one.profile.capacity
        if (point.batch, point.quantile, point.instances) == (BATCH, QUANTILE, instances)
        and point.requests_per_s is not None
    ]
    cores = sorted({point.cores for point in found})
    if len(set(cores) & set(TRAINED_ON)) < 2:
        known = ", ".join(f"{count:g}" for count in cores) or "none"
        raise BadInputError(
            f"{one.name} has capacities at {known} cores, and InfAdapter fits a line through two of 1, 2, 4, 8, 16: "
            f"a run with profile=full 'profile.capacity.cores=[1,2]' target={one.profile.target_name} measures them"
        )
    return found


def objectives_ms(versions: list[Version]) -> list[int]:
    """The objectives, ascending, within which every version has a measured deadline on all its cores."""
    points = [point for one in versions for point in one.capacities]
    shortest: dict[tuple[int, float], float] = {}
    for one in versions:
        for point in one.capacities:
            at = one.number, point.cores
            shortest[at] = min(point.deadline_ms, shortest.get(at, math.inf))
    return sorted({math.ceil(point.deadline_ms) for point in points if point.deadline_ms >= max(shortest.values())})
