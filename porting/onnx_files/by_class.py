"""The answers of a file class by class: confusion, balanced accuracy, macro F1, calibration error, and the flags."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from scipy.stats import norm

from porting.repository.figures import COLLAPSED, ONE_ANSWER, SEEN
from porting.repository.schema import BINS, Accuracy, ByClass, Flags

NOT_FINITE = "the file answers values that are not finite"
SUM_TOLERANCE = 1e-3


def by_class(split: str, answers: NDArray[Any], labels: NDArray[np.int64]) -> ByClass:
    """The figures of outputs (N, classes) for labels (N), over the classes of the labels."""
    from sklearn.metrics import f1_score, recall_score

    predicted, classes = answers.argmax(axis=1), np.unique(labels)
    over = {"labels": classes, "average": "macro", "zero_division": 0}
    error = calibration_error(answers, labels)
    pairs, counts = np.unique(np.stack([labels, predicted], axis=1), axis=0, return_counts=True)
    return ByClass.model_validate(
        {
            "split": split,
            "n": len(labels),
            # The balanced accuracy is the mean recall of the classes.
            "balanced_accuracy": float(recall_score(labels, predicted, **over)),
            "macro_f1": float(f1_score(labels, predicted, **over)),
            "calibration_error": error,
            "confusion": [(*pair, count) for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True)],
            "reasons": {} if error is not None else {"calibration_error": NOT_FINITE},
        }
    )


def calibration_error(answers: NDArray[Any], labels: NDArray[np.int64]) -> float | None:
    """The expected calibration error (Guo et al. 2017, equation 3); `None` for answers that are not finite."""
    import torch
    from torchmetrics.functional.classification import multiclass_calibration_error

    if not np.isfinite(answers).all():
        return None
    found = torch.from_numpy(probabilities(answers)), torch.from_numpy(labels)
    return float(multiclass_calibration_error(*found, answers.shape[1], n_bins=BINS, norm="l1"))


def probabilities(answers: NDArray[Any]) -> NDArray[np.float64]:
    """Outputs (N, classes) as probabilities: unchanged where the file ends in a softmax, else their softmax."""
    exact = answers.astype(np.float64)
    are_shares = bool((exact >= 0).all()) and np.allclose(exact.sum(axis=1), 1, atol=SUM_TOLERANCE)
    return exact if are_shares else np.asarray(softmax(exact, axis=1))


# The probability of a flag for a variant whose accuracy is equal on both splits.
LEVEL = 0.01
MOST_NAMED, LONGEST_NAME = 10, 60


def flags(validation: Accuracy, test: Accuracy, answers: ByClass, labels: Sequence[str]) -> Flags:
    """The flags of a file; `answers` are those on the test split and `labels` the names of the classes."""
    return above_test(validation, test) | without_answers(answers, labels)


def above_test(validation: Accuracy, test: Accuracy) -> Flags:
    """The flag of a validation accuracy that is above the test accuracy by more than chance allows."""
    p = p_above(validation, test)
    if p >= LEVEL:
        return {}
    return {
        SEEN: f"validation accuracy {validation.value:.2%} (n {validation.n}) is above test accuracy {test.value:.2%} "
        f"(n {test.n}) by more than chance allows (p {p:.1g}, limit {LEVEL:g}): the network may have been trained on "
        "validation pictures, datamodule.val_from=test takes others"
    }


def p_above(validation: Accuracy, test: Accuracy) -> float:
    """The one-sided p value of the pooled test of two proportions (Fleiss et al. 2003, section 3.1)."""
    n = validation.n + test.n
    pooled = (validation.value * validation.n + test.value * test.n) / n
    error = math.sqrt(pooled * (1 - pooled) * (1 / validation.n + 1 / test.n))
    return float(norm.sf((validation.value - test.value) / error)) if error else 1.0


def without_answers(answers: ByClass, labels: Sequence[str]) -> Flags:
    """The flag of one answer to all images of several classes, or else of classes that no image gets as its answer."""
    present = {true for true, _, _ in answers.confusion}
    given = {predicted for _, predicted, _ in answers.confusion}
    if len(present) > 1 and len(given) == 1:
        name = labels[given.pop()][:LONGEST_NAME]
        return {ONE_ANSWER: f"all {answers.n} images of the {answers.split} split get the answer {name}"}
    lost = sorted(present - given)
    if not lost:
        return {}
    names = ", ".join(labels[one][:LONGEST_NAME] for one in lost[:MOST_NAMED])
    more = ", …" if len(lost) > MOST_NAMED else ""
    return {
        COLLAPSED: f"{len(lost)} of {len(present)} classes of the {answers.split} split are no answer to any image: "
        f"{names}{more}"
    }
