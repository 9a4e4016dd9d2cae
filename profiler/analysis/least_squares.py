"""Least squares of relative residuals."""

from dataclasses import dataclass

import numpy as np

from profiler.analysis.statistics import t_quantile


@dataclass(frozen=True)
class Solution:
    """The coefficients, their standard errors, and the half widths of their 95 % intervals (Student)."""

    coefficients: np.ndarray
    standard_errors: np.ndarray
    half_widths: np.ndarray


def weighted(design: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The design (points, terms) with each row over its value, so that relative residuals are minimised.

    The noise of a latency is about the same share of it at every batch. The variances of single points do not include
    the larger drift between points, so they are no better weights.
    """
    return np.asarray(design / values[:, None])


def condition_number(design: np.ndarray, values: np.ndarray) -> float:
    """The condition number of the terms on these points: 1 for orthogonal terms, infinite for dependent ones.

    The columns are scaled to equal length first, so that units do not matter (Belsley, Kuh and Welsch 1980, 3.2).
    """
    rows = weighted(design, values)
    singular = np.linalg.svd(rows / np.linalg.norm(rows, axis=0), compute_uv=False)
    return float(singular[0] / singular[-1]) if singular[-1] > 0 else float("inf")


def solve(design: np.ndarray, values: np.ndarray) -> Solution:
    """The coefficients with the least sum of squared relative residuals; needs more points than terms."""
    rows = weighted(design, values)
    lengths = np.linalg.norm(rows, axis=0)
    scaled = rows / lengths
    found, *_ = np.linalg.lstsq(scaled, np.ones(len(values)))
    freedom = len(values) - design.shape[1]
    variance = float(np.sum((1 - scaled @ found) ** 2)) / freedom
    errors = np.sqrt(variance * np.diag(np.linalg.inv(scaled.T @ scaled))) / lengths
    return Solution(found / lengths, errors, t_quantile(freedom) * errors)
