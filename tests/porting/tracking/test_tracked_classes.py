"""What MLflow gets of a variant: figures with their batch, hyper-parameters, and its place with the reason."""

from pathlib import Path

from full_profile import full_profile
from made_points import partly
from made_repository import MIDDLE, QUICK, SLOW, repository
from unfinished import unfinished

from porting.repository.schema import ByClass, Step
from porting.tracking.tracked_values import hyper_parameters, places, tracked_figures
from porting.workspace.records import OnnxFile, Variant


def test_the_figures_by_class_have_the_split_in_their_key_and_an_unknown_one_has_no_key() -> None:
    tested = ByClass(split="test", n=2, balanced_accuracy=0.5, macro_f1=0.4, calibration_error=0.1, confusion=[])
    broken = partly(ByClass, split="val", n=2, balanced_accuracy=0.6, macro_f1=0.3, confusion=[])
    file = unfinished(OnnxFile, validation_accuracy=None, test_accuracy=None, by_class=[tested, broken])
    assert tracked_figures(unfinished(Variant, onnx=file), {}) == {
        "balanced_accuracy/test": 0.5,
        "macro_f1/test": 0.4,
        "calibration_error/test": 0.1,
        "balanced_accuracy/val": 0.6,
        "macro_f1/val": 0.3,
    }


def test_a_figure_has_its_batch_in_the_key() -> None:
    found = tracked_figures(unfinished(Variant, onnx=None), {"box": full_profile()})
    best = full_profile().best_throughput()
    assert best is not None
    assert found[f"box/images_per_s at batch {best.batch}"] == best.images_per_s
    assert {"box/images_per_s at batch 1", "box/p50_ms at batch 1", "box/peak_bytes", "flops"} <= found.keys()
    assert "box/images_per_s" not in found


def test_every_setting_of_the_lineage_is_a_parameter() -> None:
    tuning = {"epochs": 8, "precision": "fp32"}
    steps = [("train", {"epochs": 16}), ("prune", {"aim": "ratio", "finetune": tuning}), ("prune", {"aim": "latency"})]
    lineage = [partly(Step, stage=stage, label="", key="0" * 64, settings=settings, versions={}, seconds=1.0)
               for stage, settings in steps]  # fmt: skip
    assert hyper_parameters(unfinished(Variant, lineage=lineage)) == {
        "train.epochs": "16", "prune.aim": '"ratio"', "prune.finetune.epochs": "8",
        "prune.finetune.precision": '"fp32"', "prune 2.aim": '"latency"',
    }  # fmt: skip


def test_a_place_has_its_reason(tmp_path: Path) -> None:
    index = repository(tmp_path).index
    assert {one.name for one in index.variants} == {SLOW, MIDDLE, QUICK}
    found = places(index.variants[0])
    assert found["Frontier/local_cpu"] == "yes"
    assert "maximal throughput 200 [" in found["Frontier/local_cpu/why"]
    assert found["Frontier/local_cpu/why"].endswith("16 × 2, others 0%")
