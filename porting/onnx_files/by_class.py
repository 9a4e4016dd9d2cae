"""The answers of a file class by class: confusion, balanced accuracy, macro F1 and calibration error."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from porting.repository.schema import BINS, ByClass

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
