"""The choices that were made by a validation figure, from the lineage of a variant."""

from typing import Any

import pytest
from made_points import partly

from porting.repository.schema import Accuracy, Step
from porting.workspace.choices import COMPARED, choices, with_choices


def step(stage: str, **settings: Any) -> Step:
    return partly(Step, stage=stage, label="", key="0" * 64, settings=settings, versions={}, seconds=1.0)


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (step("train", epochs=16), ["train: the best of at most 16 epochs"]),
        (step("train", epochs=1), []),
        (step("finetune", epochs=8, **{COMPARED: 2}),
         ["finetune: the best of at most 8 epochs", "finetune: the best of 2 pruned networks"]),
        (step("prune", aim="ratio", step_epochs=3), ["prune: the best of at most 3 epochs"]),
        (step("prune", aim="ratio"), []),
        (step("quantize", calibrations=["minmax", "percentile"], fp32_nodes=["a", "b"]),
         ["quantize: the best of 2 calibrations", "quantize: 2 nodes stay in fp32"]),
        (step("quantize", calibrations=["minmax"], fp32_nodes=[]), []),
        (step("import"), []),
    ],
)  # fmt: skip
def test_a_step_names_its_choices(made: Step, found: list[str]) -> None:
    assert choices(made) == found


def test_the_accuracy_has_the_choices_of_all_steps() -> None:
    accuracy = Accuracy(dataset="d", dataset_sha256="0" * 64, split="val", n=9, value=0.5, low=0.4, high=0.6)
    found = with_choices(accuracy, [step("train", epochs=4), step("finetune", epochs=2)])
    assert found is not None
    assert found.chosen_by == ["train: the best of at most 4 epochs", "finetune: the best of at most 2 epochs"]


def test_an_unknown_accuracy_stays_unknown() -> None:
    assert with_choices(None, [step("train", epochs=4)]) is None
