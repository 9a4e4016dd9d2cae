"""The frontier's benchmark: which variants count, whose they are, and what is made of their figures."""

from collections.abc import Sequence
from dataclasses import replace
from math import log

import pytest
from frontier_figures import Measured, curves, figures, unpruned
from frontier_recipes import Family
from pydantic import JsonValue
from support import assert_accepts

from porting.repository.schema import Precision, Step, TensorSpec
from porting.workspace.records import OnnxFile, Variant

KEY = "0" * 64
FAMILY = Family("resnet", "cifar10_resnet20x2", goal=8.0, epochs=24, latencies=(0.45, 0.2))


def step(stage: str, label: str = "", **settings: JsonValue) -> Step:
    return Step(stage=stage, label=label, key=KEY, settings=settings, versions={}, seconds=1.0)


def without(unknown: Sequence[str]) -> dict[str, object]:
    """These fields of a record, unknown for a reason."""
    return {**dict.fromkeys(unknown), "reasons": dict.fromkeys(unknown, "nobody asked")}


def onnx_file(precision: Precision) -> OnnxFile:
    tensors = {"input": TensorSpec(name="input", shape=[3, 32, 32]), "output": TensorSpec(name="logits", shape=[10])}
    values = {"key": KEY, "sha256": KEY, "opset": 20, "precision": precision, **tensors}
    unknown = without(("program_sha256", "validation_accuracy", "test_accuracy"))
    return OnnxFile.model_validate({**values, **unknown})


def variant(*steps: Step, name: str = "net", precision: Precision = "fp32") -> Variant:
    lineage = [step("train"), *steps]
    values = {"task": "t", "name": name, "key": KEY, "backbone": "b", "history": [], "lineage": lineage}
    unknown = without(("parent", "labels", "preprocessing", "network", "pruning"))
    return Variant.model_validate({**values, "onnx": onnx_file(precision), **unknown})


def measured(
    label: str, validation: float, test: float, images_per_s: float, precision: Precision = "fp32"
) -> Measured:
    steps = [step("prune", label)] if label else []
    return Measured(variant(*steps, name=label or "base", precision=precision), validation, test, images_per_s)


BASE = measured("", 0.92, 0.91, 100)
OURS = measured("hessian-latency-45", 0.915, 0.90, 400)
NNI = measured("nni-taylor-50", 0.915, 0.90, 200)
OWN = measured("torch-pruning-own-50", 0.90, 0.88, 200)


@pytest.mark.parametrize(("one", "method"), [
    (BASE, "base"), (OURS, "hessian-latency"), (NNI, "nni-taylor"), (OWN, "torch-pruning-own"),
    (measured("int8-u8s8", 0.92, 0.91, 150, "int8"), "base"),
])  # fmt: skip
def test_a_variant_belongs_to_the_method_that_cut_it(one: Measured, method: str) -> None:
    assert one.method == method


def test_the_base_is_chosen_by_validation_accuracy() -> None:
    lucky = replace(BASE, validation_accuracy=0.91, test_accuracy=0.95)
    assert unpruned([lucky, BASE]) is BASE


def test_an_int8_base_is_no_reference() -> None:
    assert unpruned([measured("int8-u8s8", 0.99, 0.99, 150, "int8"), BASE]) is BASE


def test_the_quickest_within_a_point_is_chosen_by_validation_accuracy_and_told_with_its_test_accuracy() -> None:
    lucky = replace(OURS, validation_accuracy=0.90, test_accuracy=0.91, images_per_s=900)
    found = dict(figures("net", 8.0, [BASE, OURS, lucky]))["net: speed-up at most 1 point below the base"]
    assert found.value == pytest.approx(4.0)
    assert "test accuracy 0.9000" in found.note


def test_hypervolumes_are_of_test_accuracy_and_the_logarithm_of_throughput_over_the_base() -> None:
    found = dict(figures("net", 8.0, [BASE, OURS, NNI, OWN]))
    # A network 4 and 2 times as quick, 4 points above the reference of 5 below the base; the base adds no throughput.
    assert found["net: hypervolume over NNI Taylor with the same epochs"].value == pytest.approx(log(4) / log(2))
    over_own = log(4) * 0.04 / (log(2) * 0.02)
    assert found["net: hypervolume over Torch-Pruning's own pruner"].value == pytest.approx(over_own)
    assert found["net: hypervolume over int8 of the base alone"].value is None


def test_ours_in_int8_is_held_against_others_as_their_tools_leave_them_and_in_our_int8() -> None:
    quick = [replace(one, variant=variant(step("prune", label), precision="int8"), images_per_s=2 * one.images_per_s)
             for one, label in ((OURS, "hessian-latency-45"), (NNI, "nni-taylor-50"))]  # fmt: skip
    found = dict(figures("net", 8.0, [BASE, OURS, NNI, *quick]))
    name = "net: hypervolume over NNI Taylor with the same epochs"
    assert found[name].value == pytest.approx(log(8) / log(2))
    assert found[f"{name}, in our int8 too"].value == pytest.approx(log(8) / log(4))
    assert found[f"{name}, both in fp32"].value == pytest.approx(log(4) / log(2))


def test_every_method_s_curve_begins_at_the_base() -> None:
    found = curves([BASE, OURS, NNI])
    assert found["hessian-latency"] == [(1.0, 0.91, False), (4.0, 0.90, False)]
    assert found["nni-taylor"] == [(1.0, 0.91, False), (2.0, 0.90, False)]
    assert found["torch-pruning-own"] == found["base"] == [(1.0, 0.91, False)]


def test_what_the_benchmark_asks_for_is_measured() -> None:
    tuned = step("finetune", "tuned", epochs=24)
    asked = [
        variant(),
        variant(step("prune", "hessian-latency-45"), tuned, step("quantize", "int8-u8s8")),
        variant(step("prune", "nni-taylor-50"), tuned),
    ]
    assert_accepts(FAMILY.check, asked)


@pytest.mark.parametrize("steps", [
    [step("prune", "hessian-latency-30")],
    [step("prune", "nni-taylor-50"), step("finetune", "tuned", epochs=12)],
], ids=["another aim", "other epochs"])  # fmt: skip
def test_a_workspace_with_networks_of_other_recipes_is_refused_with_the_folder_to_move_away(
    steps: list[Step],
) -> None:
    with pytest.raises(SystemExit, match=r"artifacts/frontier/resnet holds old and 0 more, .* move that folder away"):
        FAMILY.check([variant(), variant(*steps, name="old")])


def test_a_workspace_with_two_networks_of_one_making_is_refused() -> None:
    old, new = variant(name="old"), variant(name="new")
    with pytest.raises(SystemExit, match="holds two networks each of base, from before and after a setting changed"):
        FAMILY.check([old, new])
