"""How well models foretell the first inference of variants that they have not seen."""

from collections.abc import Callable
from typing import Any

import numpy as np

from profiler.errors import BadInputError
from profiler.records.predictor import PredictionScore
from profiler.warm_up.dataset import Dataset

FOLDS = 8
TREES = 300
SHUFFLES = 3
SEED = 0

Fold = tuple[np.ndarray, np.ndarray]
# It learns the logarithm of milliseconds, so that an error counts by its share of the value.
Model = Any


def forest() -> Model:
    """A random forest with scikit-learn's own settings but for its size."""
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(TREES, random_state=SEED)


def line() -> Model:
    """Ordinary least squares."""
    from sklearn.linear_model import LinearRegression

    return LinearRegression()


# What each model is and which features it sees; an empty tuple stands for all.
MODELS: dict[str, tuple[Callable[[], Model], tuple[str, ...]]] = {
    "forest": (forest, ()),
    "forest, batch only": (forest, ("batch",)),
    "linear": (line, ()),
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


def columns(dataset: Dataset, names: tuple[str, ...]) -> np.ndarray:
    """The features (rows, names) that a model sees."""
    return dataset.features[:, [dataset.names.index(name) for name in names or dataset.names]]


def held_out(model: str, dataset: Dataset, times_ms: np.ndarray) -> np.ndarray:
    """What the model foretells for each row (ms) from the folds that do not hold its variant."""
    make, names = MODELS[model]
    features = columns(dataset, names)
    foretold = np.empty_like(times_ms)
    for learn, test in folds(dataset):
        fitted = make().fit(features[learn], np.log(times_ms[learn]))
        foretold[test] = np.exp(fitted.predict(features[test]))
    return foretold


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
    """For each feature the R² that shuffling it costs the forest on held-out variants, mean over folds.

    Breiman, Random Forests (2001), section 10. Features that say nearly the same stand in for one another.
    """
    from sklearn.inspection import permutation_importance

    target = np.log(dataset.corrected_ms)
    losses = []
    for learn, test in folds(dataset):
        fitted = forest().fit(dataset.features[learn], target[learn])
        found = permutation_importance(
            fitted, dataset.features[test], target[test], n_repeats=SHUFFLES, random_state=SEED
        )
        losses.append(found.importances_mean)
    return np.asarray(np.mean(losses, axis=0))
