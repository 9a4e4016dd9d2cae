"""How well models foretell the first inference of variants that they have not seen."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from profiler.common.errors import BadInputError
from profiler.records.predictor import PredictionScore
from profiler.warm_up.dataset import Dataset
from profiler.warm_up.model import SEED, Forest, ForestOverLine, Line

FOLDS = 8
SHUFFLES = 3

Fold = tuple[np.ndarray, np.ndarray]


class Model(Protocol):
    """Learns milliseconds from features (rows, columns) and foretells those of other rows."""

    def fit(self, features: np.ndarray, times_ms: np.ndarray) -> object: ...

    def predict(self, features: np.ndarray) -> np.ndarray: ...


BATCH_ONLY = ["batch"]
# How each model is made for features of these names, and which it sees; nothing stands for all.
MODELS: dict[str, tuple[Callable[[list[str]], Model], list[str]]] = {
    "predictor": (ForestOverLine, []),
    "predictor, batch only": (ForestOverLine, BATCH_ONLY),
    "line alone": (Line, []),
    "forest alone": (lambda _: Forest(), []),
}


def folds(dataset: Dataset) -> list[Fold]:
    """Rows to learn from and rows held out; all rows of a variant are on one side (`GroupKFold`).

    Raises `BadInputError` where there are fewer variants than folds.
    """
    from sklearn.model_selection import GroupKFold

    variants = len(set(dataset.variants))
    if variants < FOLDS:
        raise BadInputError(f"{variants} variants are too few to hold some out: observe at least {FOLDS}")
    return list(GroupKFold(FOLDS).split(dataset.features, groups=dataset.variants))


def held_out(model: str, dataset: Dataset, times_ms: np.ndarray) -> np.ndarray:
    """What the model foretells for each row (ms) from the folds that do not hold its variant."""
    make, seen = MODELS[model]
    names = seen or dataset.names
    features = dataset.features[:, [dataset.names.index(name) for name in names]]
    foretold_ms = np.empty_like(times_ms)
    for learn, test in folds(dataset):
        fitted = make(names)
        fitted.fit(features[learn], times_ms[learn])
        foretold_ms[test] = fitted.predict(features[test])
    return foretold_ms


def score(times_ms: np.ndarray, foretold_ms: np.ndarray) -> PredictionScore:
    """Root mean squared error over the mean (CVRMSE), and mean absolute error by each value (MAPE)."""
    errors_ms = foretold_ms - times_ms
    return PredictionScore(
        cvrmse_share=float(np.sqrt(np.mean(errors_ms**2)) / np.mean(times_ms)),
        mape_share=float(np.mean(np.abs(errors_ms) / times_ms)),
    )


def scores(dataset: Dataset, times_ms: np.ndarray) -> dict[str, PredictionScore]:
    """Every model's, on the same folds."""
    return {model: score(times_ms, held_out(model, dataset, times_ms)) for model in MODELS}


def permutation_shares(dataset: Dataset) -> np.ndarray:
    """For each feature the R² that shuffling it costs the predictor on held-out variants, mean over folds.

    Breiman, Random Forests (2001), section 10. Features that say nearly the same stand in for one another.
    """
    from sklearn.inspection import permutation_importance

    losses = []
    for learn, test in folds(dataset):
        fitted = ForestOverLine(dataset.names).fit(dataset.features[learn], dataset.corrected_ms[learn])
        found = permutation_importance(
            fitted,
            dataset.features[test],
            dataset.corrected_ms[test],
            scoring=explained_share,
            n_repeats=SHUFFLES,
            random_state=SEED,
        )
        losses.append(found.importances_mean)
    return np.asarray(np.mean(losses, axis=0))


def explained_share(model: Model, features: np.ndarray, times_ms: np.ndarray) -> float:
    """R² of the logarithm."""
    from sklearn.metrics import r2_score

    return float(r2_score(np.log(times_ms), np.log(model.predict(features))))
