"""Regressions of milliseconds on features (rows, columns); errors are weighted by the inverse of the value."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from profiler.common.errors import BadInputError

TREES = 100
SEED = 0
# A first inference prepares every layer, computes, and touches weights and activations for the first time.
TREND = ("layers", "file_bytes", "batch_macs", "batch_activation_bytes")
# A line may fall below 0 for a smaller network than those of its data.
LEAST_SHARE = 0.1


class Line:
    """Least squares in the features of `TREND`."""

    def __init__(self, names: Sequence[str]) -> None:
        self.columns = [names.index(name) for name in TREND]

    def fit(self, features: np.ndarray, times_ms: np.ndarray) -> Self:
        """The model itself, trained with the times (rows) of these features."""
        from sklearn.linear_model import LinearRegression

        shares = times_ms**-2.0
        self.fitted: Any = LinearRegression().fit(features[:, self.columns], times_ms, sample_weight=shares)
        self.least_ms = LEAST_SHARE * float(times_ms.min())
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The times (rows), at least a tenth of the shortest time of the training data."""
        return np.asarray(np.maximum(self.fitted.predict(features[:, self.columns]), self.least_ms))


def forest() -> Any:
    """A random forest of the logarithm of positive values; raises `BadInputError` without scikit-learn."""
    try:
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.ensemble import RandomForestRegressor
    except ImportError as error:
        raise BadInputError("the training needs scikit-learn: pip install 'dnn-porting[porting]'") from error
    return TransformedTargetRegressor(RandomForestRegressor(TREES, random_state=SEED), func=np.log, inverse_func=np.exp)


class ForestOverLine:
    """The line, times the forest's estimate of its relative error, as a forest alone does not extrapolate."""

    def __init__(self, names: Sequence[str]) -> None:
        self.line, self.forest = Line(names), forest()

    def fit(self, features: np.ndarray, times_ms: np.ndarray) -> Self:
        """The model itself, trained with the times (rows) of these features."""
        self.forest.fit(features, times_ms / self.line.fit(features, times_ms).predict(features))
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The times (rows) of other features, in ms."""
        return np.asarray(self.line.predict(features) * self.forest.predict(features))
