"""The training of a predictor: from a table of measured times to a record."""

from collections import Counter
from collections.abc import Iterable

from profiler.records.warm_up import Quantity
from profiler.warm_up.dataset import Dataset, Measured, tabulate
from profiler.warm_up.evaluation import WITH_FOREST, every_error
from profiler.warm_up.predictor import LEAF, PredictorFeature, TimePredictor, Tree
from profiler.warm_up.regression import ForestOverLine

# A line without a forest: the logarithm of its factor is 0.
NO_CHANGE = Tree(feature=(0,), threshold=(0.0,), left=(LEAF,), right=(LEAF,), value=(0.0,))


def train(measured: Iterable[Measured], quantity: Quantity) -> TimePredictor:
    """The predictor that is trained with all rows, with its held-out errors beside those of simpler models.

    Raises `BadInputError` where nothing was measured or scikit-learn is missing.
    """
    table = tabulate(measured, quantity)
    found = every_error(table)
    model = ForestOverLine(table.names).fit(table.features, table.times_ms)
    return TimePredictor(
        quantity=quantity,
        features=feature_records(table, model),
        constant_ms=float(model.line.fitted.intercept_),
        least_ms=model.line.least_ms,
        trees=trees(model) if next(iter(found)) == WITH_FOREST else (NO_CHANGE,),
        rows=len(table.times_ms),
        batches=tuple(sorted({int(one) for one in table.features[:, table.names.index("batch")]})),
        backbones=known_backbones(table),
        errors=found,
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


def trees(model: ForestOverLine) -> tuple[Tree, ...]:
    """The arrays of the trees of scikit-learn."""
    fitted = [one.tree_ for one in model.forest.regressor_.estimators_]
    return tuple(
        Tree(
            feature=one.feature.tolist(),
            threshold=one.threshold.tolist(),
            left=one.children_left.tolist(),
            right=one.children_right.tolist(),
            value=one.value[:, 0, 0].tolist(),
        )
        for one in fitted
    )
