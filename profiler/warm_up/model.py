"""Models that foretell milliseconds from features (rows, columns); errors count by their share of the value."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

TREES = 300
SEED = 0
# A first inference prepares every layer, computes, and touches memory for the first time.
TREND = ("layers", "batch_macs", "batch_activation_bytes")


class Line:
    """Least squares in the features of `TREND`, or in all where there is none of them."""

    def __init__(self, names: Sequence[str]) -> None:
        self.columns = [names.index(name) for name in TREND if name in names] or list(range(len(names)))

    def fit(self, features: np.ndarray, times_ms: np.ndarray) -> Self:
        from sklearn.linear_model import LinearRegression

        shares = times_ms**-2.0
        self.fitted: Any = LinearRegression().fit(features[:, self.columns], times_ms, sample_weight=shares)
        self.least_ms = float(times_ms.min())
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Never below the shortest time that was learned, as a line may fall below 0."""
        return np.asarray(np.maximum(self.fitted.predict(features[:, self.columns]), self.least_ms))


class Forest:
    """A random forest of the logarithm."""

    def fit(self, features: np.ndarray, values: np.ndarray) -> Self:
        from sklearn.ensemble import RandomForestRegressor

        self.fitted: Any = RandomForestRegressor(TREES, random_state=SEED).fit(features, np.log(values))
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(self.fitted.predict(features)))


class ForestOverLine:
    """The line, times the forest's estimate of how far off it is.

    A forest alone answers nothing beyond what it has seen: the largest networks, where they are held out, would
    always be foretold too short.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.line, self.forest = Line(names), Forest()

    def fit(self, features: np.ndarray, times_ms: np.ndarray) -> Self:
        self.forest.fit(features, times_ms / self.line.fit(features, times_ms).predict(features))
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        return np.asarray(self.line.predict(features) * self.forest.predict(features))
