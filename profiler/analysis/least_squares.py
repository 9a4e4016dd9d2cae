"""Least squares of relative residuals."""

from dataclasses import dataclass

import numpy as np

from profiler.analysis.statistics import t_quantile


@dataclass(frozen=True)
class Solution:
    """Coefficients with the half width of their 95 % intervals (Student)."""

    coefficients: np.ndarray
    standard_errors: np.ndarray
    half_widths: np.ndarray


def weighted(design: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The design (points, terms) with each row over its value: what is minimised is the share by which a fit is off.

    Latency's noise grows with latency, by a share that is about the same at every batch, and a planner needs the
    small batches as well as the large ones. The variances of single points are no better weights: they hold what
    varied while a point was measured, and not the drift from one point to the next, which is larger.
    """
    rows: np.ndarray = design / values[:, None]
    return rows


def condition_number(design: np.ndarray, values: np.ndarray) -> float:
    """How alike the terms look on these points: 1 for terms at right angles, infinite for terms that are one.

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
