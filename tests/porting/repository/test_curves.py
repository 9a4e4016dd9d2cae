"""What the report draws of a profile is what was measured, where it was measured."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from drawing import DRAWN, NAME, Drawing, log_scale, scale, section
from full_profile import full_profile
from made_points import BATCHES, CURVE_MS, FIRST_EXPLODING, LOADS, latency, load_point, member, repeats

from porting.repository.report.curves.axis import Axis
from porting.repository.report.curves.sheet import sheet
from porting.repository.report.curves.trust import trust
from profiler.records.profile import Profile
from profiler.records.repeats import SERIES


@pytest.fixture(scope="module")
def full() -> Profile:
    return full_profile()


@pytest.fixture(scope="module")
def over_batch(full: Profile) -> Drawing:
    return Drawing(full, "latency")


def test_latencies_stand_where_they_were_measured(full: Profile, over_batch: Drawing) -> None:
    own = full.latency[: len(BATCHES)]
    to_y = log_scale([point.corrected_p50_ms for point in own], over_batch.places("corrected")[:, 1])
    raw, first = (over_batch.places(series) for series in ("raw", "first"))
    np.testing.assert_allclose(to_y(np.log([point.p50_ms for point in own])), raw[:, 1], atol=0.15)
    np.testing.assert_allclose(to_y(np.log([one.first_ms for one in full.first_inference])), first[:, 1], atol=0.15)
    log_scale(list(BATCHES), first[:, 0])
    assert "batch 8: p50 10.1 [9.82, 10.4] ms" in over_batch.titles("corrected")[3]
    assert "batch 8: raw p50 11.1 [10.8, 11.5] ms" in over_batch.titles("raw")[3]
    assert "first inference 25 ms after a fresh load" in over_batch.titles("first")[3]


def test_a_latency_without_a_corrected_median_is_shown_as_what_it_is() -> None:
    unbounded = latency(1, corrected_p50_ms=None, p50_ms=None, corrected_p50_low_ms=None, corrected_p50_high_ms=None)
    (title,) = Drawing(full_profile(latency=(unbounded,)), "latency").titles("corrected")
    assert "mean, not corrected, 1.93 ms" in title


def test_an_interval_reaches_from_its_low_to_its_high_end(full: Profile, over_batch: Drawing) -> None:
    own = full.latency[: len(BATCHES)]
    to_y = log_scale([point.corrected_p50_ms for point in own], over_batch.places("corrected")[:, 1])
    ends = [end for point in own for end in (point.corrected_p50_low_ms, point.corrected_p50_high_ms)]
    np.testing.assert_allclose(to_y(np.log(ends)), over_batch.corners("corrected-interval")[:, 1], atol=0.15)


@pytest.mark.parametrize("form", ["linear", "degree-2"])
def test_a_fit_is_drawn_within_its_domain_only(over_batch: Drawing, form: str) -> None:
    line, markers = over_batch.corners(f"fit-{form}")[:, 0], over_batch.places("corrected")[:, 0]
    assert (line.min(), line.max()) == pytest.approx((markers.min(), markers.max()), abs=0.11)


def test_the_fit_tells_its_formula_how_good_it_is_and_its_residuals(full: Profile, over_batch: Drawing) -> None:
    fit = next(one for one in full.fits if one.form == "linear in batch")
    text = " ".join(section(full, "latency").notes)
    assert "corrected_p50_ms = 1.2 · batch + 0.486 ms" in text
    assert f"R² {fit.r2:.5f}" in text
    assert "batch 1 to 32" in text
    scale([one.relative_residual for one in fit.residuals], over_batch.places("residual-linear")[:, 1])


def test_a_refused_fit_says_why_and_nothing_is_drawn_for_it() -> None:
    profile = full_profile(latency=(latency(1), latency(2)))
    assert any("No fit linear in batch: 2 distinct value(s)" in note for note in section(profile, "latency").notes)
    assert "fit-linear" not in section(profile, "latency").svg


def test_throughput_is_drawn_raw_and_corrected_with_intervals(full: Profile) -> None:
    drawing = Drawing(full, "throughput")
    for batch in (1, 16):
        swept = [point for point in full.throughput if point.batch == batch]
        to_y = scale(
            [point.corrected_images_per_s for point in swept], drawing.places(f"corrected-batch-{batch}")[:, 1]
        )
        raw = drawing.places(f"raw-batch-{batch}")[:, 1]
        np.testing.assert_allclose(to_y([point.images_per_s for point in swept]), raw, atol=0.3)
        assert len(drawing.corners(f"raw-batch-{batch}-interval")) == 2 * len(swept)
        np.testing.assert_allclose(np.diff(drawing.places(f"corrected-batch-{batch}")[:, 0], n=2), 0, atol=0.2)


def test_a_maximum_is_marked_with_its_verdict(full: Profile) -> None:
    drawing, notes = Drawing(full, "throughput"), section(full, "throughput").notes
    assert "settled: 780 [764, 796] images/s, corrected" in drawing.titles("maximum-batch-16")[0]
    assert {"settled", "unsettled"} <= {text.text for text in drawing.root.iter("text")}
    assert any("unsettled: 470 [461, 479]" in note and "± 9.0 %" in note for note in notes)


def test_other_resources_than_the_targets_own_are_not_in_its_sweep(full: Profile) -> None:
    assert "1,400" not in Drawing(full, "throughput").svg


def test_the_warm_up_curve_runs_through_every_inference_and_marks_when_it_is_steady(full: Profile) -> None:
    drawing = Drawing(full, "warm_up")
    first, steady = (drawing.places(f"batch-1-{moment}")[0] for moment in ("first", "steady"))
    to_x = np.poly1d(np.polyfit([1, len(CURVE_MS)], [first[0], drawing.corners("batch-1")[-1, 0]], 1))
    to_y = np.poly1d(np.polyfit(np.log([CURVE_MS[0], 3.0]), [first[1], steady[1]], 1))
    assert steady[0] == pytest.approx(to_x(5), abs=0.11)
    for curve in full.warm_up:
        xs, ys = to_x(np.arange(1, len(CURVE_MS) + 1, curve.every)), to_y(np.log(curve.latency_ms))
        corners = drawing.corners(f"batch-{curve.batch}")
        np.testing.assert_allclose(corners, np.column_stack([xs, ys]), atol=0.3)


def test_the_steady_moment_is_told(full: Profile) -> None:
    text = "Batch 1: steady at 3 ms after 4 inferences (0.0575 s)."
    assert Drawing(full, "warm_up").titles("batch-1-steady") == [text]
    assert text in section(full, "warm_up").notes


def test_an_unknown_steady_moment_says_why(full: Profile) -> None:
    assert "Batch 32: steady from an unknown moment on: not taken." in section(full, "warm_up").notes
    assert "batch-32-steady" not in section(full, "warm_up").svg


def test_shares_in_time_and_processor_use_stand_over_the_load(full: Profile) -> None:
    drawing = Drawing(full, "load")
    for place, deadline in enumerate((7.5, 17.0), start=1):
        shares = [one.in_time_share for point in full.load for one in point.in_time if one.deadline_ms == deadline]
        to_y = scale(shares, drawing.places(f"in-time-{place}")[:, 1])
        assert len(drawing.corners(f"in-time-{place}-interval")) == 2 * len(LOADS)
    np.testing.assert_allclose(to_y([p.cpu_share for p in full.load]), drawing.places("cpu")[:, 1], atol=0.5)
    assert "95% [93%, 97%] within 17 ms at 250 requests/s" in drawing.titles("in-time-2")[4]


def test_where_the_queue_explodes_is_marked(full: Profile) -> None:
    drawing = Drawing(full, "load")
    to_x = scale(list(LOADS), drawing.places("cpu")[:, 0])
    np.testing.assert_allclose(drawing.corners("explosion")[:, 0], to_x(FIRST_EXPLODING), atol=0.11)
    assert any(
        "explodes at 100%" in note and "0.2 [0.1, 0.3] s a second" in note for note in section(full, "load").notes
    )


def test_a_queue_that_did_not_explode_and_one_that_may_have_are_told_apart() -> None:
    unsure = load_point(0.9, exploding=None)
    profile = full_profile(load=(load_point(0.5), unsure))
    assert "-explosion" not in section(profile, "load").svg
    assert any("not seen to explode up to 90%" in n and "90% (not taken)" in n for n in section(profile, "load").notes)


def test_an_unknown_processor_use_says_why() -> None:
    unseen = tuple(load_point(one, cpu_share=None) for one in LOADS)
    shown = section(full_profile(load=unseen), "load")
    assert shown.notes.count("Unknown cpu_share: not taken.") == 1
    assert "load-cpu" not in shown.svg


def test_repeats_stand_side_by_side_on_axes_of_one_relative_span(full: Profile) -> None:
    drawing, (one,) = Drawing(full, "repeats"), full.repeats
    series = {
        "throughput": (one.images_per_s, one.corrected_images_per_s),
        "latency": (one.latency_p50_ms, one.corrected_latency_p50_ms),
    }
    relative_scales = []
    for what, (raw, corrected) in series.items():
        places = np.vstack([drawing.places(f"1-{what}-raw"), drawing.places(f"1-{what}-corrected")])
        line = scale([*raw, *corrected], places[:, 1])
        relative_scales.append(line.coeffs[0] * (min(*raw, *corrected) + max(*raw, *corrected)))
    assert relative_scales[0] == pytest.approx(relative_scales[1], rel=0.01)
    assert drawing.places("1-throughput-raw")[:, 0].max() < drawing.places("1-latency-raw")[:, 0].min()


def test_repeats_tell_how_far_they_spread(full: Profile) -> None:
    text = " ".join(section(full, "repeats").notes)
    assert "callers: 7.1% raw, 1.8% corrected" in text
    assert "(onnxruntime): 6.2% raw, 2.1% corrected" in text


def test_the_frontier_of_another_metric_stands_where_its_members_are_in_throughput() -> None:
    members = [member("a", 0.9, 200, 10), member("b", 0.8, 400, 30), member("c", 0.7, 100, 20)]
    (flops, *_) = trust(members, "p")
    drawing = ElementTree.fromstring(flops.svg)  # noqa: S314, our own
    series = {
        name: [use.find("title").text.split(":")[0] for use in drawing.findall(f".//*[@id='p-flops-{name}']/use")]
        for name in ("all", "true", "trusted")
    }
    assert series == {"all": ["a", "b", "c"], "true": ["a", "b"], "trusted": ["a"]}
    places = {
        use.find("title").text.split(":")[0]: float(use.get("x"))
        for use in drawing.findall(".//*[@id='p-flops-all']/use")
    }
    log_scale([200, 400, 100], np.array([places[name] for name in "abc"]))
    (trusted,) = drawing.findall(".//*[@id='p-flops-trusted']/use")
    assert float(trusted.get("x")) == places["a"]


@pytest.mark.parametrize(("low", "high"), [(0.98, 0.99), (0, 1), (-3, 4), (12, 1.2e6), (1e-4, 2e-4)])
@pytest.mark.parametrize("kind", ["linear", "decades"])
def test_an_axis_writes_a_few_numbers_within_its_ends(low: float, high: float, kind: str) -> None:
    axis = Axis(kind=kind)
    values = [value for value in (low, high) if kind == "linear" or value > 0]
    scale = axis.scale(values, 0, 300)
    ticks = axis.ticks(scale)
    assert 2 <= len(ticks) <= 8
    assert all(-0.01 <= scale.at(tick) <= 300.01 for tick in ticks)
    assert all(0 < scale.at(value) < 300 for value in values)


def test_an_interval_that_reaches_zero_ends_at_the_edge_of_a_logarithmic_axis() -> None:
    scale = Axis(kind="decades").scale([0.0, 1.0, 10.0], 0, 300)
    assert scale.at(0.0) == 0


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawing_is_small_searchable_and_described(full: Profile, name: str) -> None:
    drawing = Drawing(full, name)
    assert len(drawing.svg.encode()) < 15_000
    assert [text.text for text in drawing.root.iter("text")]
    svg = drawing.root.find("svg")
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == section(full, name).title
    assert "width" not in svg.attrib


def test_a_variant_takes_less_than_60_kilobytes(full: Profile) -> None:
    assert sum(len(one.svg.encode()) for one in sheet(NAME, full).sections) < 60_000


def test_ids_are_unique_and_every_reference_has_its_own_drawing(full: Profile) -> None:
    everything = "".join(one.svg for name in ("digits-a", "digits-b") for one in sheet(name, full).sections)
    ids = re.findall(r'\bid="([^"]+)"', everything)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', everything)) | set(re.findall(r"url\(#([^)]+)\)", everything)) <= set(ids)


def test_a_single_slow_repeat_stays_inside_of_the_axes() -> None:
    def jumps(values: list[float]) -> list[float]:
        return [*values[:-1], values[-1] * 3]

    series = {name: jumps(list(getattr(repeats(), name))) for name in SERIES}
    drawing = Drawing(full_profile(repeats=(repeats(**series),)), "repeats")
    assert len(drawing.places("1-latency-corrected")) == 20
    (_, _, _, height) = map(float, drawing.root.find("svg").get("viewBox").split())
    assert 0 < drawing.places("1-latency-corrected")[:, 1].min() < height
