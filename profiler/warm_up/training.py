"""The training of a predictor: from a table of measured times to a record."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from profiler.records.warm_up import Quantity
from profiler.warm_up.dataset import Dataset, Measured, tabulate
from profiler.warm_up.evaluation import MODELS, errors
from profiler.warm_up.predictor import PredictorFeature, TimePredictor, Tree
from profiler.warm_up.regression import ForestOverLine


def train(measured: Iterable[Measured], quantity: Quantity) -> TimePredictor:
    """The predictor that is trained with all rows, with its held-out errors beside those of simpler models.

    Raises `BadInputError` where nothing was measured or scikit-learn is missing.
    """
    table = tabulate(measured, quantity)
    model = ForestOverLine(table.names).fit(table.features, table.times_ms)
    return TimePredictor(
        quantity=quantity,
        features=feature_records(table, model),
        constant_ms=float(model.line.fitted.intercept_),
        least_ms=model.line.least_ms,
        trees=tuple(tree(one.tree_) for one in model.forest.regressor_.estimators_),
        rows=len(table.times_ms),
        batches=tuple(sorted({int(one) for one in table.features[:, table.names.index("batch")]})),
        backbones=known_backbones(table),
        errors={name: errors(make, table) for name, make in MODELS.items()},
    )


def known_backbones(table: Dataset) -> tuple[str, ...]:
    """The backbones of at least two variants: where one is held out, the training has another one."""
    pairs = {(str(backbone), str(one)) for backbone, one in zip(table.backbones, table.variants, strict=True)}
    variants = Counter(backbone for backbone, _ in pairs)
    return tuple(sorted(backbone for backbone, count in variants.items() if count > 1))


def feature_records(table: Dataset, model: ForestOverLine) -> tuple[PredictorFeature, ...]:
    """The features with their ranges and their weights in the line."""
    weights = dict(zip(model.line.columns, model.line.fitted.coef_, strict=True))
    return tuple(
        PredictorFeature(
            name=name, low=float(column.min()), high=float(column.max()), weight=float(weights.get(index, 0.0))
        )
        for index, (name, column) in enumerate(zip(table.names, table.features.T, strict=True))
    )


def tree(fitted: Any) -> Tree:
    """The arrays of a fitted tree of scikit-learn."""
    return Tree(
        feature=fitted.feature.tolist(),
        threshold=fitted.threshold.tolist(),
        left=fitted.children_left.tolist(),
        right=fitted.children_right.tolist(),
        value=fitted.value[:, 0, 0].tolist(),
    )
