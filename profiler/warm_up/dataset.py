"""Observations as a table: one row per variant and batch, the median of its repeats."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from profiler.common.errors import BadInputError
from profiler.warm_up.features import Situation, values
from profiler.warm_up.observations import WarmUpObservation

CONDITIONS = ("machine", "torch_version", "device", "threads")
UNKNOWN = "the system did not report it at every observation"


@dataclass(frozen=True)
class Dataset:
    """The training data: `features` (rows, names) as `FEATURES` reads them, and the times to predict (rows).

    `corrected_ms` is at the speed at which the reference reaches `reference_per_s`. `left_out` has the reasons.
    """

    names: list[str]
    left_out: dict[str, str]
    features: np.ndarray
    first_ms: np.ndarray
    corrected_ms: np.ndarray
    variants: np.ndarray
    reference_per_s: float
    repeats: int
    observations: list[WarmUpObservation]


def tabulate(observations: Sequence[WarmUpObservation]) -> Dataset:
    """The table; raises `BadInputError` without observations, or where conditions or files of a variant differ."""
    check_equal_conditions(observations)
    reference_per_s = float(np.median([one.reference_per_s for one in observations]))
    places = defaultdict(list)
    for one in observations:
        places[one.variant, one.batch].append(one)
    rows = [row(repeats, reference_per_s) for _, repeats in sorted(places.items())]
    known = [name for name in rows[0][0] if all(features[name] is not None for features, _, _ in rows)]
    return Dataset(
        names=known,
        left_out={name: UNKNOWN for name in rows[0][0] if name not in known},
        features=np.array([[features[name] for name in known] for features, _, _ in rows], dtype=np.float32),
        first_ms=np.array([first_ms for _, first_ms, _ in rows]),
        corrected_ms=np.array([corrected_ms for _, _, corrected_ms in rows]),
        variants=np.array([variant for variant, _ in sorted(places)]),
        reference_per_s=reference_per_s,
        repeats=max(map(len, places.values())),
        observations=list(observations),
    )


def check_equal_conditions(observations: Sequence[WarmUpObservation]) -> None:
    """Raises `BadInputError` without observations, or where their conditions or files differ."""
    if not observations:
        raise BadInputError("the training needs first inferences, and the file has none: collect some")
    for condition in CONDITIONS:
        found = sorted({str(getattr(one, condition)) for one in observations})
        if len(found) > 1:
            raise BadInputError(f"first inferences differ in {condition} ({', '.join(found)}): use a file for each")
    digests = defaultdict(set)
    for one in observations:
        digests[one.variant].add(one.sha256)
    changed = [variant for variant, files in digests.items() if len(files) > 1]
    if changed:
        raise BadInputError(f"{', '.join(changed)} changed between observations: collect into a new file")


def row(repeats: Sequence[WarmUpObservation], reference_per_s: float) -> tuple[dict[str, float | None], float, float]:
    """The medians of one variant and batch: features, first inference as measured, and corrected for drift (ms)."""
    situations = [values(Situation(one.batch, one.size, one.state)) for one in repeats]
    features = {name: median([situation[name] for situation in situations]) for name in situations[0]}
    times_ms = [one.first_ms for one in repeats]
    speeds = [one.reference_per_s / reference_per_s for one in repeats]
    corrected_ms = np.multiply(times_ms, speeds)
    return features, float(np.median(times_ms)), float(np.median(corrected_ms))


def median(found: Sequence[float | None]) -> float | None:
    """The median, `None` where one of the values is unknown."""
    known = [value for value in found if value is not None]
    return float(np.median(known)) if len(known) == len(found) else None
