"""The flags of an evaluated file: a validation accuracy above that of the test split, and classes without an answer."""

import math
from collections.abc import Sequence

from scipy.stats import norm

from porting.repository.flags import COLLAPSED, ONE_ANSWER, SEEN
from porting.repository.schema import Accuracy, ByClass, Flags

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
