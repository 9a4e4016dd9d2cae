"""The figures of the answers by class in MLflow."""

from made_points import partly
from unfinished import unfinished

from porting.repository.schema import ByClass
from porting.tracking.runs import tracked_figures
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
