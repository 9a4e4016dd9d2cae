"""The forms: known coefficients are found, unidentified forms are refused, and no fit extrapolates."""

import itertools
import math
import re

import numpy as np
import pytest
from pydantic import ValidationError

from profiler.analysis.fit_form import Sample, fit_form
from profiler.common.errors import BadInputError
from profiler.records.fit import Fit, Refusal
from profiler.records.form import FORMS, FormName

BATCHES, CORES, PIXELS = (1, 2, 4, 8, 16, 32), (0.5, 1, 2, 4), (1024, 2304, 4096)
TRUE: dict[FormName, list[float]] = {
    "linear in batch": [1.5, 0.8],
    "degree 2 in batch": [0.02, 1.5, 0.8],
    "batch and cores": [3.0, 0.5, 2.0, 0.4],
    "linear in cores": [120.0, 15.0],
    "linear in batch and pixels": [0.001, 0.8],
    "memory in batch and pixels": [40.0, 5e7],
}


def places(form: FormName) -> list[dict[str, float]]:
    """Every combination of the batches, cores and pixels that the form reads."""
    values = {"batch": BATCHES, "cores": CORES, "pixels": PIXELS}
    variables = list(FORMS[form].fewest_values)
    return [dict(zip(variables, at, strict=True)) for at in itertools.product(*(values[name] for name in variables))]


def true_value(form: FormName, at: dict[str, float]) -> float:
    return sum(value * term.of(at) for value, term in zip(TRUE[form], FORMS[form].terms.values(), strict=True))


def samples(form: FormName, noise_share: float, seed: int = 0) -> list[Sample]:
    """Points on the true curve, each off by a normal share of its value."""
    generator = np.random.default_rng(seed)
    return [Sample(at, true_value(form, at) * (1 + generator.normal(0, noise_share))) for at in places(form)]


def fit(form: FormName, points: list[Sample], warm_up: list[Sample] | None = None) -> Fit:
    found = fit_form(form, "p50_ms", {"runtime": "onnxruntime"}, points, warm_up or [])
    assert isinstance(found, Fit), found
    return found


def refusal(form: FormName, points: list[Sample]) -> str:
    found = fit_form(form, "p50_ms", {}, points)
    assert isinstance(found, Refusal)
    assert found.n == len(points)
    return found.reason


def line(batches: list[float], slope: float = 1.5, intercept: float = 0.8) -> list[Sample]:
    return [Sample({"batch": batch}, slope * batch + intercept) for batch in batches]


@pytest.mark.parametrize("form", FORMS)
def test_points_on_the_curve_give_its_coefficients_back(form: FormName) -> None:
    found = fit(form, samples(form, noise_share=0))
    assert [one.value for one in found.coefficients.values()] == pytest.approx(TRUE[form])
    assert (found.r2, found.adjusted_r2) == pytest.approx((1, 1))
    assert found.median_relative_residual == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_the_interval_of_a_coefficient_holds_it_as_often_as_it_says(form: FormName) -> None:
    held, repeats = np.zeros(len(TRUE[form])), 300
    for seed in range(repeats):
        found = fit(form, samples(form, noise_share=0.03, seed=seed)).coefficients.values()
        held += [one.low <= true <= one.high for one, true in zip(found, TRUE[form], strict=True)]
    assert (held / repeats > 0.9).all()


def test_small_batches_count_as_much_as_large_ones() -> None:
    # The largest batch is off by 10 %, which is more milliseconds than the smallest takes.
    off = [*line([1, 2, 4, 8, 16]), Sample({"batch": 32}, 1.1 * 48.8)]
    assert abs(fit("linear in batch", off).at(batch=1) / 2.3 - 1) < 0.05


@pytest.mark.parametrize("form", FORMS)
def test_every_figure_can_be_recomputed_from_the_residuals(form: FormName) -> None:
    found = fit(form, samples(form, noise_share=0.03))
    measured, fitted_values = (
        np.array([getattr(one, name) for one in found.residuals]) for name in ("measured", "fitted")
    )
    assert [one.fitted for one in found.residuals] == pytest.approx([found.at(**one.at) for one in found.residuals])
    assert [one.residual for one in found.residuals] == pytest.approx(measured - fitted_values)
    assert [one.relative_residual for one in found.residuals] == pytest.approx((measured - fitted_values) / measured)
    assert found.median_relative_residual == pytest.approx(
        np.median([abs(one.relative_residual) for one in found.residuals])
    )
    unexplained = np.var(measured - fitted_values) + np.mean(measured - fitted_values) ** 2
    assert found.r2 == pytest.approx(1 - unexplained / np.var(measured))
    assert found.adjusted_r2 is not None
    assert found.adjusted_r2 < (found.r2 or 0)


def test_a_fit_survives_json_and_is_a_prediction() -> None:
    found = fit("batch and cores", samples("batch and cores", noise_share=0.03))
    assert Fit.model_validate_json(found.model_dump_json()) == found
    assert (found.kind, found.unit, found.n) == ("predicted", "ms", 24)
    assert list(found.domain["cores"].values) == list(CORES)
    assert {name: one.unit for name, one in found.coefficients.items()} == {
        "gamma": "ms · cores/image", "delta": "ms/image", "epsilon": "ms · cores", "eta": "ms",
    }  # fmt: skip


def test_between_the_points_the_formula_holds() -> None:
    found = fit("batch and cores", samples("batch and cores", noise_share=0))
    assert found.at(batch=6, cores=3) == pytest.approx(3.0 * 6 / 3 + 0.5 * 6 + 2.0 / 3 + 0.4)


@pytest.mark.parametrize("at", [{"batch": 64, "cores": 1}, {"batch": 1, "cores": 0.25}, {"batch": 0.5, "cores": 1}])
def test_outside_of_its_domain_a_fit_says_nothing(at: dict[str, float]) -> None:
    found = fit("batch and cores", samples("batch and cores", noise_share=0))
    with pytest.raises(BadInputError, match=r"(batch|cores)=[\d.]+ lies outside of the fitted range, [\d.]+ to \d+"):
        found.at(**at)


@pytest.mark.parametrize("at", [{}, {"batch": 1, "cores": 1}, {"cores": 1}])
def test_a_fit_takes_its_own_variables_only(at: dict[str, float]) -> None:
    with pytest.raises(BadInputError, match="takes batch, not"):
        fit("linear in batch", line([1, 2, 3])).at(**at)


def test_a_record_with_another_form_s_coefficients_is_refused() -> None:
    found = fit("linear in batch", line([1, 2, 3])).model_dump()
    with pytest.raises(ValidationError, match="other coefficients"):
        Fit.model_validate(found | {"form": "degree 2 in batch"})


@pytest.mark.parametrize(
    ("form", "points", "reason"),
    [
        ("linear in batch", line([1, 1, 2, 2, 2]), r"2 distinct value\(s\) of batch, and at least 3"),
        ("degree 2 in batch", line([1, 2, 4]), r"3 distinct value\(s\) of batch, and at least 4"),
        ("degree 2 in batch", [], r"0 distinct value\(s\) of batch"),
        (
            "batch and cores",
            [Sample({"batch": batch, "cores": cores}, batch / cores) for batch in BATCHES for cores in (1, 2)],
            r"2 distinct value\(s\) of cores, and at least 3",
        ),
        (
            "batch and cores",
            [Sample({"batch": b, "cores": c}, b / c) for b, c in [(1, 1), (2, 2), (4, 4), (1, 2)]],
            "4 distinct points, and more than 4",
        ),
        (
            "linear in cores",
            [Sample({"cores": cores}, 100 * cores) for cores in (1, 1, 2, 2)],
            r"2 distinct value\(s\) of cores, and at least 3",
        ),
    ],
)  # fmt: skip
def test_a_form_is_refused_where_too_few_places_were_measured(
    form: FormName, points: list[Sample], reason: str
) -> None:
    found = fit_form(form, "p50_ms", {}, points)
    assert isinstance(found, Refusal)
    assert found.n == len(points)
    assert re.search(reason, found.reason)


def test_terms_that_are_one_on_the_points_are_refused() -> None:
    # Batches that grow with the cores make batch / cores a constant.
    points = [Sample({"batch": 4 * cores, "cores": cores}, 3 + cores) for cores in (0.5, 1, 2, 4, 8)]
    assert "too alike on these points" in refusal("batch and cores", points)


def test_ill_conditioned_points_are_refused() -> None:
    assert "condition number" in refusal("degree 2 in batch", line([500, 501, 502, 503, 504]))


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_a_value_that_is_not_positive_is_bad_input(value: float) -> None:
    with pytest.raises(BadInputError, match="must be positive"):
        fit_form("linear in batch", "p50_ms", {}, [*line([1, 2, 3]), Sample({"batch": 4}, value)])


def test_a_constant_latency_has_no_r2() -> None:
    found = fit("linear in batch", line([1, 2, 4], slope=0, intercept=2))
    assert (found.r2, found.adjusted_r2) == (None, None)
    assert "no variance" in found.reasons["r2"]


def test_the_warm_up_is_set_apart_and_its_excess_told() -> None:
    first = Sample({"batch": 4}, 30.0)
    found = fit("linear in batch", line([1, 2, 4, 8]), warm_up=[first])
    assert [one.value for one in found.coefficients.values()] == pytest.approx([1.5, 0.8])
    (excess,) = found.warm_up
    assert excess.measured == 30.0
    assert excess.fitted == pytest.approx(6.8)
    assert (excess.excess, excess.relative_excess) == pytest.approx((23.2, 23.2 / 6.8))
    assert found.n == 4
    # The same point among the warm ones would have bent the line.
    assert fit("linear in batch", [*line([1, 2, 4, 8]), first]).coefficients["intercept"].value != pytest.approx(0.8)


def test_a_warm_up_point_beyond_the_fit_has_no_known_excess() -> None:
    (excess,) = fit("linear in batch", line([1, 2, 4]), warm_up=[Sample({"batch": 64}, 300.0)]).warm_up
    assert (excess.measured, excess.excess) == (300.0, None)
    assert excess.reasons["excess"] == "it lies outside of the fitted range"
