"""The stored predictor of a target as a record: a line, a forest as arrays, the range of its data and its errors."""

import math
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from profiler.common.batching import Batch
from profiler.common.target import TargetName
from profiler.records.base import Record, Value
from profiler.records.complexity import Fingerprint
from profiler.records.warm_up import PredictedTime, Quantity

LEAF = -1
Share = Annotated[float, Field(ge=0)]


class PredictionScore(Value):
    """The errors of a model on held-out groups, as shares of the mean (CVRMSE) and of each value (MAPE)."""

    cvrmse_share: Share
    mape_share: Share


class Errors(Record):
    """The errors of a model on variants, and on backbones, that its training did not have."""

    by_variant: PredictionScore | None
    by_backbone: PredictionScore | None


class PredictorFeature(Value):
    """A feature of the predictor, its range in the training data, and its weight in the line."""

    name: str
    low: float
    high: float
    weight: float


class Tree(Value):
    """A tree of a forest as arrays over its nodes; a node with `left` of -1 is a leaf.

    A feature of at most the `threshold` leads to `left`, a larger one to `right`.
    """

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def every_way_ends(self) -> Self:
        """Raises `ValueError` for arrays of different lengths, and for a node that does not lead to later nodes."""
        nodes = len(self.value)
        if any(len(one) != nodes for one in (self.feature, self.threshold, self.left, self.right)):
            raise ValueError("the arrays of a tree have different lengths")
        for node, ways in enumerate(zip(self.left, self.right, strict=True)):
            if ways[0] != LEAF and not all(node < way < nodes for way in ways):
                raise ValueError(f"node {node} of a tree leads to no later node")
        return self

    def at(self, features: Sequence[float]) -> float:
        """The value of the leaf to which the features lead."""
        node = 0
        while self.left[node] != LEAF:
            below = features[self.feature[node]] <= self.threshold[node]
            node = self.left[node] if below else self.right[node]
        return self.value[node]


class TimePredictor(Record):
    """The predictor of one quantity: a line of at least `least_ms`, times the exponential of the forest's mean.

    `batches` are those of its `rows` of training data, and `backbones` those with more than one variant in it. `errors`
    are by model, its own the first.
    """

    quantity: Quantity
    features: tuple[PredictorFeature, ...] = Field(min_length=1)
    constant_ms: float
    least_ms: float = Field(gt=0)
    trees: tuple[Tree, ...] = Field(min_length=1)
    rows: int = Field(ge=1)
    batches: tuple[Batch, ...] = Field(min_length=1)
    backbones: tuple[str, ...]
    errors: dict[str, Errors] = Field(min_length=1)

    @model_validator(mode="after")
    def trees_know_their_features(self) -> Self:
        """Raises `ValueError` for a tree with a feature that does not exist."""
        for tree in self.trees:
            inner = (one for one, left in zip(tree.feature, tree.left, strict=True) if left != LEAF)
            if not all(0 <= one < len(self.features) for one in inner):
                raise ValueError("a tree has a feature that the predictor does not have")
        return self

    def predict(self, found: dict[str, float], backbone: str, batch: int | None) -> PredictedTime | None:
        """The time for these features, with the error for a known or for another backbone; `None` without that error.

        Raises `KeyError` where a feature is missing.
        """
        values = [found[one.name] for one in self.features]
        own = next(iter(self.errors.values()))
        known = backbone in self.backbones
        error = own.by_variant if known else own.by_backbone
        if error is None:
            return None
        line_ms = self.constant_ms + sum(one.weight * x for one, x in zip(self.features, values, strict=True))
        factor = math.exp(sum(tree.at(values) for tree in self.trees) / len(self.trees))
        return PredictedTime(
            quantity=self.quantity,
            batch=batch,
            time_ms=max(line_ms, self.least_ms) * factor,
            held_out="variant" if known else "backbone",
            cvrmse_share=error.cvrmse_share,
            mape_share=error.mape_share,
            outside=tuple(
                one.name for one, x in zip(self.features, values, strict=True) if not one.low <= x <= one.high
            ),
        )


class TargetPredictors(Record):
    """The predictors of a target, whose times hold for the machine and server with this fingerprint."""

    target_name: TargetName
    fingerprint: Fingerprint
    predictors: tuple[TimePredictor, ...]
