"""The result of a family of variants, beside the results of other methods with the same epochs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log

from figures import Figure
from frontier_curves import Curves

from porting.repository.hypervolume import hypervolume
from porting.workspace.records import Variant

OURS, NNI, TORCH_PRUNING = "hessian-latency", "nni-taylor", "torch-pruning-own"
METHODS, BASE = (OURS, NNI, TORCH_PRUNING), "base"
MOST_LOST, REFERENCE_LOST = 0.01, 0.05


@dataclass(frozen=True)
class Measured:
    """A variant with its accuracies and its maximal throughput over all batches.

    Every choice uses the validation split. The test split is for reports.
    """

    variant: Variant
    validation_accuracy: float
    test_accuracy: float
    images_per_s: float

    @property
    def method(self) -> str:
        labels = [label for label in self.variant.technique if label.startswith(tuple(METHODS))]
        return next((one for one in METHODS if labels and labels[0].startswith(one)), BASE)

    @property
    def precision(self) -> str:
        return self.variant.onnx.precision if self.variant.onnx else ""


def unpruned(found: Sequence[Measured]) -> Measured:
    """The reference network: the trained base, or the base with the pruned ones' extra training if it is better."""
    whole = [one for one in fp32(found) if one.method == BASE]
    return max(whole, key=lambda one: one.validation_accuracy)


def figures(family: str, goal: float, found: Sequence[Measured]) -> Iterator[tuple[str, Figure]]:
    """The results of the family and of the other methods."""
    base = unpruned(found)
    yield f"{family}: base, test accuracy", Figure(base.test_accuracy, "0 to 1", note=base.variant.name)
    yield f"{family}: base, maximal throughput", Figure(base.images_per_s, "images/s")
    ours = [one for one in found if one.method in (OURS, BASE)]
    for kind, some in (("", ours), (", fp32 only", fp32(ours))):
        near = [one for one in some if one.validation_accuracy >= base.validation_accuracy - MOST_LOST]
        best = max(near, key=lambda one: one.images_per_s)
        chosen = f"{best.variant.name}, chosen by validation accuracy; test accuracy {best.test_accuracy:.4f}"
        yield f"{family}: speed-up at most 1 point below the base{kind}", Figure(
            best.images_per_s / base.images_per_s, "×",
            note=chosen if kind else f"to reach: {goal:g}; {chosen}",
        )  # fmt: skip
    yield from against_others(family, base, ours, found)
    for one in sorted(found, key=lambda one: (one.method, -one.test_accuracy)):
        name = f"{family}, {one.method}: {' '.join(one.variant.technique) or 'base'}"
        yield name, Figure(one.images_per_s / base.images_per_s, "×", note=f"test accuracy {one.test_accuracy:.4f}")


def against_others(
    family: str, base: Measured, ours: Sequence[Measured], found: Sequence[Measured]
) -> Iterator[tuple[str, Figure]]:
    """The hypervolume of test accuracy and the logarithm of throughput over that of each other method.

    The other methods' pruned networks count in fp32, as their tools leave them, and again with the int8 of this
    project. They also count beside the fp32 networks of this project alone, which shows the effect of the chosen
    widths.
    """
    reference = base.test_accuracy - REFERENCE_LOST, log(base.images_per_s)

    def volume(some: Sequence[Measured]) -> float:
        return hypervolume([(one.test_accuracy, log(one.images_per_s)) for one in some], reference)

    whole = [one for one in found if one.method == BASE]
    pairs: dict[str, tuple[float, Sequence[Measured], Sequence[Measured]]] = {}
    for name, goal, method in (
        ("NNI Taylor with the same epochs", 1.25, NNI),
        ("Torch-Pruning's own pruner", 1.15, TORCH_PRUNING),
    ):
        others = [one for one in found if one.method in (method, BASE)]
        pairs[name] = goal, ours, fp32(others)
        pairs[f"{name}, in our int8 too"] = goal, ours, others
        pairs[f"{name}, both in fp32"] = goal, fp32(ours), fp32(others)
    pairs["int8 of the base alone"] = 1.15, ours, whole
    for name, (goal, mine, theirs) in pairs.items():
        ratio = volume(mine) / volume(theirs) if volume(theirs) else None
        note = f"to reach: {goal}; reference: base accuracy less 5 points, base throughput"
        yield f"{family}: hypervolume over {name}", Figure(ratio, "ratio", note=note)


def fp32(found: Sequence[Measured]) -> list[Measured]:
    return [one for one in found if one.precision == "fp32"]


def curves(found: Sequence[Measured]) -> Curves:
    """The variants of every method, with the base among the other methods' so that their curves begin there."""
    base = unpruned(found)
    return {
        method: [
            (one.images_per_s / base.images_per_s, one.test_accuracy, one.precision == "int8")
            for one in found
            if one.method in (method, BASE)
        ]
        for method in (*METHODS, BASE)
    }
