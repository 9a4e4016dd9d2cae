"""The flags of an evaluated file."""

import numpy as np
import pytest
from scipy.stats import fisher_exact

from porting.onnx_files.by_class import above_test, by_class, p_above, without_answers
from porting.repository.figures import COLLAPSED, ONE_ANSWER, SEEN
from porting.repository.schema import Accuracy, ByClass

LABELS = ["ant", "bee", "cat"]


def accuracy(right: int, n: int, split: str = "val") -> Accuracy:
    value = right / n
    fields = {"dataset": "d", "dataset_sha256": "0" * 64, "split": split, "n": n, "value": value}
    return Accuracy.model_validate(fields | {"low": value, "high": value})


def answers(predicted: list[int], labels: list[int]) -> ByClass:
    return by_class("test", np.eye(3, dtype=np.float32)[predicted], np.array(labels))


def test_an_imported_resnet_of_99_7_on_validation_and_91_69_on_test_is_flagged() -> None:
    reason = above_test(accuracy(4985, 5000), accuracy(9169, 10000, "test"))[SEEN]
    assert "99.70%" in reason
    assert "91.69%" in reason
    assert "datamodule.val_from=test" in reason


@pytest.mark.parametrize(
    ("validation", "test"),
    [((930, 1000), (920, 1000)), ((900, 1000), (980, 1000)), ((10, 10), (10, 10)), ((0, 5), (0, 5))],
)
def test_a_difference_that_chance_allows_is_not_flagged(validation: tuple[int, int], test: tuple[int, int]) -> None:
    assert above_test(accuracy(*validation), accuracy(*test, "test")) == {}


def test_equal_accuracies_are_flagged_once_in_a_hundred_times() -> None:
    generator = np.random.default_rng(0)
    draws = generator.binomial(1000, 0.9, (4000, 2))
    flagged = sum(bool(above_test(accuracy(int(a), 1000), accuracy(int(b), 1000, "test"))) for a, b in draws)
    assert 0.005 < flagged / len(draws) < 0.016


def test_the_p_value_is_near_that_of_the_exact_test() -> None:
    exact = fisher_exact([[960, 40], [920, 80]], alternative="greater").pvalue
    assert p_above(accuracy(960, 1000), accuracy(920, 1000, "test")) == pytest.approx(exact, rel=0.5)


def test_one_answer_to_everything_is_flagged_with_the_answer() -> None:
    found = without_answers(answers([1, 1, 1], [0, 1, 2]), LABELS)
    assert found == {ONE_ANSWER: "all 3 images of the test split get the answer bee"}


def test_a_class_that_is_present_and_never_answered_is_flagged_by_name() -> None:
    found = without_answers(answers([0, 0, 2], [0, 1, 2]), LABELS)
    assert found[COLLAPSED].startswith("1 of 3 classes")
    assert found[COLLAPSED].endswith(": bee")


@pytest.mark.parametrize(("predicted", "labels"), [([0, 1, 2], [0, 1, 2]), ([0, 1, 1], [0, 1, 1]), ([1, 1], [1, 1])])
def test_an_absent_class_is_no_collapse(predicted: list[int], labels: list[int]) -> None:
    assert without_answers(answers(predicted, labels), LABELS) == {}
