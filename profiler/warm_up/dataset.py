"""The measured times of one target as a table: one row for each variant and batch."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from profiler.common.errors import BadInputError, ModelError
from profiler.records.profile import Profile
from profiler.records.warm_up import Quantity
from profiler.warm_up.features import features


@dataclass(frozen=True)
class Measured:
    """A variant with its backbone and its profile."""

    variant: str
    backbone: str
    profile: Profile


@dataclass(frozen=True)
class Dataset:
    """The training data: `features` (rows, names) and times (rows).

    `variants` and `backbones` (rows) are the groups that an evaluation holds out.
    """

    names: list[str]
    features: np.ndarray
    times_ms: np.ndarray
    variants: np.ndarray
    backbones: np.ndarray


def first_inferences(profile: Profile) -> dict[int, float]:
    """The first inferences in ms by batch, on the target's own resources."""
    return {one.batch: one.first_ms for one in profile.own(profile.first_inference) if not one.is_disturbed()}


def load_times(profile: Profile) -> dict[int, float]:
    """The load time in ms with the file in the page cache, as that of batch 1."""
    found = [one for one in profile.own(profile.load_time) if one.page_cache == "warm" and not one.is_disturbed()]
    times_ms = [time_ms for one in found if (time_ms := one.p50_ms or one.mean_ms) is not None]
    return {1: times_ms[0]} if times_ms else {}


TIMES: dict[Quantity, Callable[[Profile], dict[int, float]]] = {
    "first_inference_ms": first_inferences,
    "load_ms": load_times,
}


def tabulate(measured: Iterable[Measured], quantity: Quantity) -> Dataset:
    """The table of a quantity, without variants of unknown size; raises `BadInputError` where it has no row."""
    rows: list[tuple[dict[str, float], float, Measured]] = []
    for one in measured:
        for batch, time_ms in TIMES[quantity](one.profile).items():
            try:
                rows.append((features(one.profile, batch), time_ms, one))
            except ModelError:
                break
    if not rows:
        raise BadInputError(f"no profile has {quantity}: measure it with stage=profile profile=full")
    return dataset([found for found, _, _ in rows], [time_ms for _, time_ms, _ in rows], [one for _, _, one in rows])


def dataset(rows: list[dict[str, float]], times_ms: list[float], owners: list[Measured]) -> Dataset:
    """The table with these features by name, times and owners of each row."""
    return Dataset(
        names=list(rows[0]),
        features=np.array([list(row.values()) for row in rows], dtype=np.float32),
        times_ms=np.array(times_ms),
        variants=np.array([one.variant for one in owners]),
        backbones=np.array([one.backbone for one in owners]),
    )
