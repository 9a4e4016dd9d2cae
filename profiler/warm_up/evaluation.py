"""The errors of models on the times of held-out variants and backbones."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from profiler.warm_up.dataset import Dataset
from profiler.warm_up.predictor import Errors, PredictionScore
from profiler.warm_up.regression import ForestOverLine, Line, forest

FOLDS = 8
# Two groups remain for the training when one is held out.
FEWEST_GROUPS = 3


class Model(Protocol):
    """A regression of milliseconds on features (rows, columns)."""

    def fit(self, features: np.ndarray, times_ms: np.ndarray) -> object:
        """The model itself, trained with the times (rows) of these features."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The times (rows) of other features, in ms."""


Maker = Callable[[Sequence[str]], Model]
WITH_FOREST, LINE = "line with forest", "line alone"
MODELS: dict[str, Maker] = {WITH_FOREST: ForestOverLine, LINE: Line, "forest alone": lambda _: forest()}


def every_error(table: Dataset) -> dict[str, Errors]:
    """The errors of every model; the first one is the line with or without its forest, whichever is better.

    A forest of disturbed times learns their noise. A forest alone does not extrapolate, so it is never the first.
    """
    found = {name: errors(make, table) for name, make in MODELS.items()}
    best = min((WITH_FOREST, LINE), key=lambda name: mape(found[name]))
    return {best: found[best]} | found


def mape(found: Errors) -> float:
    """The mean absolute error on other backbones, or else on other variants; 0 where both are unknown."""
    score = found.by_backbone or found.by_variant
    return 0.0 if score is None else score.mape_share


def errors(make: Maker, table: Dataset) -> Errors:
    """The errors of a model, with each variant and with each backbone held out."""
    by_variant, by_backbone = (score_of(make, table, groups) for groups in (table.variants, table.backbones))
    few = f"the error needs {FEWEST_GROUPS} {{}} with measured times, and there are fewer"
    return Errors(
        by_variant=by_variant,
        by_backbone=by_backbone,
        reasons={
            name: few.format(name.removeprefix("by_") + "s")
            for name, found in (("by_variant", by_variant), ("by_backbone", by_backbone))
            if found is None
        },
    )


def score_of(make: Maker, table: Dataset, groups: np.ndarray) -> PredictionScore | None:
    """The errors of a model on each group that its training did not have; `None` for too few groups."""
    from sklearn.model_selection import GroupKFold

    count = len(set(groups))
    if count < FEWEST_GROUPS:
        return None
    predicted_ms = np.empty_like(table.times_ms)
    for train, test in GroupKFold(min(FOLDS, count)).split(table.features, groups=groups):
        fitted = make(table.names)
        fitted.fit(table.features[train], table.times_ms[train])
        predicted_ms[test] = fitted.predict(table.features[test])
    return score(table.times_ms, predicted_ms)


def score(times_ms: np.ndarray, predicted_ms: np.ndarray) -> PredictionScore:
    """The root mean squared error over the mean (CVRMSE), and the mean of absolute errors over values (MAPE)."""
    errors_ms = predicted_ms - times_ms
    cvrmse, mape = np.sqrt(np.mean(errors_ms**2)) / np.mean(times_ms), np.mean(np.abs(errors_ms) / times_ms)
    return PredictionScore(cvrmse_share=float(cvrmse), mape_share=float(mape))
