"""The figures of the answers by class, against hand-computed ones."""

import numpy as np
import pytest

from porting.onnx_files.by_class import by_class, calibration_error, probabilities

# Class 0: two of three right; class 1: the only one right; class 2 is never answered.
LABELS = np.array([0, 0, 0, 1, 2])
SHARES = np.array([[0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [0.1, 0.6, 0.3], [0.1, 0.6, 0.3], [0.1, 0.6, 0.3]], np.float32)


def test_the_confusion_has_every_pair_with_its_images() -> None:
    found = by_class("test", SHARES, LABELS)
    assert found.confusion == [(0, 0, 2), (0, 1, 1), (1, 1, 1), (2, 1, 1)]
    assert sum(count for _, _, count in found.confusion) == found.n == 5


def test_balanced_accuracy_is_the_mean_over_classes_and_not_over_images() -> None:
    assert by_class("test", SHARES, LABELS).balanced_accuracy == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_macro_f1_is_the_mean_over_classes() -> None:
    # Precision and recall: 1 and 2/3; 1/3 and 1; none.
    assert by_class("test", SHARES, LABELS).macro_f1 == pytest.approx((0.8 + 0.5 + 0) / 3)


def test_a_class_without_images_counts_in_no_mean() -> None:
    found = by_class("test", SHARES[:4], LABELS[:4])
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1) / 2)


def test_the_calibration_error_is_the_distance_of_confidence_and_accuracy_in_the_bins() -> None:
    # Two images in the bin of .8 are right, and one of three in the bin of .6.
    expected = 2 / 5 * abs(1 - 0.8) + 3 / 5 * abs(1 / 3 - 0.6)
    assert calibration_error(SHARES, LABELS) == pytest.approx(expected, abs=1e-6)


def test_logits_become_probabilities_and_a_softmax_stays() -> None:
    logits = np.log(SHARES) + 3
    np.testing.assert_allclose(probabilities(logits), SHARES, atol=1e-6)
    np.testing.assert_allclose(probabilities(SHARES), SHARES)


def test_answers_that_are_not_finite_have_no_calibration_error_but_the_reason() -> None:
    broken = SHARES.copy()
    broken[0, 0] = np.nan
    found = by_class("val", broken, LABELS)
    assert found.calibration_error is None
    assert "not finite" in found.reasons["calibration_error"]
