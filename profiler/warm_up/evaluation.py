"""The errors of models on the first inferences of held-out variants."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from profiler.common.errors import BadInputError
from profiler.warm_up.dataset import Dataset
from profiler.warm_up.predictor import PredictionScore
from profiler.warm_up.regression import SEED, ForestOverLine, Line, forest

FOLDS = 8
SHUFFLES = 3

Fold = tuple[np.ndarray, np.ndarray]


class Model(Protocol):
    """A regression of milliseconds on features (rows, columns)."""

    def fit(self, features: np.ndarray, times_ms: np.ndarray) -> object:
        """The model itself, trained with the times (rows) of these features."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The times (rows) of other features, in ms."""


BATCH_ONLY = ["batch"]
# A constructor for features of given names, and the names that the model uses; an empty list means all.
MODELS: dict[str, tuple[Callable[[list[str]], Model], list[str]]] = {
    "predictor": (ForestOverLine, []),
    "predictor, batch only": (ForestOverLine, BATCH_ONLY),
    "line alone": (Line, []),
    "forest alone": (lambda _: forest(), []),
}


def folds(dataset: Dataset) -> list[Fold]:
    """The training and the held-out rows of each fold of variants; raises `BadInputError` for too few variants."""
    from sklearn.model_selection import GroupKFold

    variants = len(set(dataset.variants))
    if variants < FOLDS:
        raise BadInputError(f"{variants} variants are too few for {FOLDS} folds: observe at least {FOLDS}")
    return list(GroupKFold(FOLDS).split(dataset.features, groups=dataset.variants))


def held_out(model: str, dataset: Dataset, times_ms: np.ndarray) -> np.ndarray:
    """The prediction for each row (ms) of the model that was fitted without the row's variant."""
    make, seen = MODELS[model]
    names = seen or dataset.names
    features = dataset.features[:, [dataset.names.index(name) for name in names]]
    predicted_ms = np.empty_like(times_ms)
    for train, test in folds(dataset):
        fitted = make(names)
        fitted.fit(features[train], times_ms[train])
        predicted_ms[test] = fitted.predict(features[test])
    return predicted_ms


def score(times_ms: np.ndarray, predicted_ms: np.ndarray) -> PredictionScore:
    """The root mean squared error over the mean (CVRMSE), and the mean of absolute errors over values (MAPE)."""
    errors_ms = predicted_ms - times_ms
    cvrmse, mape = np.sqrt(np.mean(errors_ms**2)) / np.mean(times_ms), np.mean(np.abs(errors_ms) / times_ms)
    return PredictionScore(cvrmse_share=float(cvrmse), mape_share=float(mape))


def scores(dataset: Dataset, times_ms: np.ndarray) -> dict[str, PredictionScore]:
    """The score of every model, on the same folds."""
    return {model: score(times_ms, held_out(model, dataset, times_ms)) for model in MODELS}


def permutation_shares(dataset: Dataset) -> np.ndarray:
    """The mean loss of R² on held-out variants when each feature is shuffled (Breiman, Random Forests, 2001)."""
    from sklearn.inspection import permutation_importance

    losses = []
    for train, test in folds(dataset):
        fitted = ForestOverLine(dataset.names).fit(dataset.features[train], dataset.corrected_ms[train])
        held_out_rows = dataset.features[test], dataset.corrected_ms[test]
        options = {"scoring": explained_share, "n_repeats": SHUFFLES, "random_state": SEED}
        losses.append(permutation_importance(fitted, *held_out_rows, **options).importances_mean)
    return np.asarray(np.mean(losses, axis=0))


def explained_share(model: Model, features: np.ndarray, times_ms: np.ndarray) -> float:
    """The R² of the logarithm of the predicted times."""
    from sklearn.metrics import r2_score

    return float(r2_score(np.log(times_ms), np.log(model.predict(features))))
