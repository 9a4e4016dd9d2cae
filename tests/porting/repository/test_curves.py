"""The drawings of the report have the measured values; test_drawn checks that the page draws them at their places."""

import json
from statistics import median

import numpy as np
import pytest
from drawing import DRAWN, drawn, names, panel, section, series, titles, values
from full_profile import full_profile
from made_points import BATCHES, CURVE_MS, FIRST_EXPLODING, LOADS, latency, load_point, member, repeats
from narrowing import known

from porting.repository.report.report import SECTIONS
from porting.repository.report.section import Axis, Drawing, Mark, Panel, Rule, Series
from porting.repository.report.trust import trust
from profiler.records.profile import Profile
from profiler.records.throughput import SERIES


@pytest.fixture(scope="module")
def full() -> Profile:
    return full_profile()


def test_latencies_are_drawn_over_their_batches_as_they_were_measured(full: Profile) -> None:
    own = full.latency[: len(BATCHES)]
    middle, first = (series(full, "latency", name) for name in ("median", "first"))
    assert values(middle, "y") == [point.p50_ms for point in own]
    assert values(first, "y") == [one.first_ms for one in full.first_inference]
    assert values(middle, "x") == values(first, "x") == list(BATCHES)
    assert "batch 8: p50 10.1 [9.61, 10.6] ms" in titles(middle)[3]
    assert "first inference 25 ms after a fresh load" in titles(first)[3]


def test_a_latency_without_a_median_is_shown_with_its_mean() -> None:
    unbounded = latency(1, relative_p50=None, p50_ms=None, p50_low_ms=None, p50_high_ms=None)
    (title,) = titles(series(full_profile(latency=(unbounded,)), "latency", "median"))
    assert "mean 1.93 ms" in title


def test_an_interval_reaches_from_its_low_to_its_high_end(full: Profile) -> None:
    own, middle = full.latency[: len(BATCHES)], series(full, "latency", "median")
    assert values(middle, "low") == [point.p50_low_ms for point in own]
    assert values(middle, "high") == [point.p50_high_ms for point in own]


@pytest.mark.parametrize("form", ["linear in batch", "degree 2 in batch"])
def test_a_fit_is_drawn_within_its_domain_only(full: Profile, form: str) -> None:
    fit, line = next(one for one in full.fits if one.form == form), series(full, "latency", f"fit {form}")
    xs = values(line, "x")
    assert (min(xs), max(xs)) == pytest.approx((BATCHES[0], BATCHES[-1]))
    assert values(line, "y") == pytest.approx([fit.at(batch=x) for x in xs])


def test_a_fit_has_its_formula_its_quality_and_its_residuals(full: Profile) -> None:
    fit = next(one for one in full.fits if one.form == "linear in batch")
    text = " ".join(section(full, "latency").notes)
    assert "p50_ms = 1.2 · batch + 0.486 ms" in text
    assert f"R² {fit.r2:.5f}" in text
    assert "batch 1 to 32" in text
    below = series(full, "latency", "residual linear in batch", place=1)
    assert values(below, "y") == [one.relative_residual for one in fit.residuals]
    assert panel(full, "latency", 1).rules == [Rule("y", 0.0, below.colour, dashed=False)]


def test_a_refused_fit_says_why_and_nothing_is_drawn_for_it() -> None:
    profile = full_profile(latency=(latency(1), latency(2)))
    assert any("No fit linear in batch: 2 distinct value(s)" in note for note in section(profile, "latency").notes)
    assert names(profile, "latency") == {"median", "first"}


def test_throughput_is_drawn_as_delivered_with_intervals(full: Profile) -> None:
    for batch in (1, 16):
        swept = [point for point in full.throughput if point.batch == batch]
        shown = series(full, "throughput", f"batch {batch}")
        assert values(shown, "y") == [point.images_per_s for point in swept]
        assert values(shown, "low") == [point.low_images_per_s for point in swept]
        assert values(shown, "high") == [point.high_images_per_s for point in swept]
        assert values(shown, "x") == [1, 2, 4]
    assert panel(full, "throughput").x.kind == "doublings"


def test_a_maximum_is_marked_with_its_verdict(full: Profile) -> None:
    notes = section(full, "throughput").notes
    assert "settled: 780 [741, 819] images/s" in titles(series(full, "throughput", "maximum batch 16"))[0]
    assert [note.text for note in panel(full, "throughput").notes] == ["unsettled", "settled"]
    (said,) = [note for note in notes if "1 visits, unsettled: 470 [446, 494] images/s" in note]
    assert "the interval is ± 9.0 %; other processes used 0% of the cores" in said


def test_other_resources_than_the_targets_own_are_not_in_its_sweep(full: Profile) -> None:
    assert all(max(values(one, "y")) < 1000 for one in panel(full, "throughput").series)


def test_the_warm_up_curve_runs_through_every_inference_and_marks_when_it_is_steady(full: Profile) -> None:
    first, steady = (series(full, "warm_up", f"batch 1 {moment}").marks for moment in ("first", "steady"))
    assert [(mark.x, mark.y) for mark in (*first, *steady)] == [(1, CURVE_MS[0]), (5, 3.0)]
    assert [rule.at for rule in panel(full, "warm_up").rules] == [5]
    assert len(full.warm_up) == 2
    for curve in full.warm_up:
        line = series(full, "warm_up", f"batch {curve.batch}")
        assert values(line, "x") == list(range(1, len(CURVE_MS) + 1, curve.every))
        assert values(line, "y") == list(curve.latency_ms)


def test_the_time_until_a_batch_is_steady_has_a_text(full: Profile) -> None:
    text = "Batch 1: steady at 3 ms after 4 inferences (0.0575 s)."
    assert titles(series(full, "warm_up", "batch 1 steady")) == [text]
    assert text in section(full, "warm_up").notes


def test_an_unknown_time_until_steady_has_a_reason(full: Profile) -> None:
    assert "Batch 32: the time until it is steady is unknown: not taken." in section(full, "warm_up").notes
    assert "batch 32 steady" not in names(full, "warm_up")


def test_shares_in_time_and_processor_use_are_drawn_over_the_load(full: Profile) -> None:
    for deadline in (7.5, 17.0):
        found = [one for point in full.load for one in point.in_time if one.deadline_ms == deadline]
        shown = series(full, "load", f"in time of {deadline:g} ms")
        assert values(shown, "x") == list(LOADS)
        assert values(shown, "y") == [one.in_time_share for one in found]
        assert values(shown, "low") == [one.low_share for one in found]
    assert values(series(full, "load", "CPU use"), "y") == [point.cpu_share for point in full.load]
    assert "95% [93%, 97%] within 17 ms at 250 requests/s" in titles(series(full, "load", "in time of 17 ms"))[4]


def test_where_the_queue_explodes_is_marked(full: Profile) -> None:
    shown, notes = panel(full, "load"), section(full, "load").notes
    assert [(rule.axis, rule.at) for rule in shown.rules] == [("x", FIRST_EXPLODING)]
    assert [(note.text, note.x) for note in shown.notes] == [("queue explodes ", FIRST_EXPLODING)]
    assert any("explodes at 100%" in note and "0.2 [0.1, 0.3] s per second" in note for note in notes)


def test_a_queue_that_may_have_exploded_has_another_text_than_one_that_did_not() -> None:
    unsure = load_point(0.9, exploding=None)
    profile = full_profile(load=(load_point(0.5), unsure))
    assert not panel(profile, "load").rules
    assert any("did not explode up to 90%" in n and "90% (not taken)" in n for n in section(profile, "load").notes)


def test_an_unknown_processor_use_says_why() -> None:
    profile = full_profile(load=tuple(load_point(one, cpu_share=None) for one in LOADS))
    assert section(profile, "load").notes.count("Unknown cpu_share: not taken.") == 1
    assert names(profile, "load") == {"in time of 7.5 ms", "in time of 17 ms"}


def test_repeats_are_side_by_side_on_axes_of_one_relative_span(full: Profile) -> None:
    (one,) = full.repeats
    both = ((one.images_per_s, one.relative_throughput), (one.latency_p50_ms, one.relative_latency_p50))
    spans = []
    for place, (raw, relative) in enumerate(both):
        # The values relative to the reference have a unit of their own, so they are drawn with the median of the raw.
        scaled = [median(raw) * value / median(relative) for value in relative]
        assert values(series(full, "repeats", "raw", place), "y") == list(raw)
        assert values(series(full, "repeats", "relative", place), "y") == pytest.approx(scaled)
        axis = panel(full, "repeats", place).y
        low, high = known(axis.low), known(axis.high)
        assert low < min(*raw, *scaled) < max(*raw, *scaled) < high
        spans.append((high - low) / (high + low))
    assert spans[0] == pytest.approx(spans[1])
    assert drawn(full, "repeats").columns == 2


def test_repeats_have_their_spread_as_a_text(full: Profile) -> None:
    text = " ".join(section(full, "repeats").notes)
    assert "callers: 7.1% raw, 1.8% relative to the reference" in text
    assert "(onnxruntime): 6.2% raw, 2.1% relative to the reference" in text


def test_a_single_slow_repeat_stays_inside_of_the_axes() -> None:
    def jumps(values: list[float]) -> list[float]:
        return [*values[:-1], values[-1] * 3]

    slow = {name: jumps(list(getattr(repeats(), name))) for name in SERIES}
    profile = full_profile(repeats=(repeats(**slow),))
    axis, shown = panel(profile, "repeats", 1).y, values(series(profile, "repeats", "relative", 1), "y")
    assert len(shown) == 20
    assert known(axis.low) < min(shown) < max(shown) < known(axis.high)


def test_the_frontier_of_another_metric_is_drawn_at_the_throughput_of_its_members() -> None:
    members = [member("a", 0.9, 200, 10), member("b", 0.8, 400, 30), member("c", 0.7, 100, 20)]
    (flops, *_) = trust(members)
    (shown,) = known(flops.drawing).panels
    found = {
        one.name: {mark.title.split(":")[0]: (mark.x, mark.y) for mark in one.marks}
        for one in shown.series
        if one.name in ("all", "true", "trusted")
    }
    places = {"a": (200, 0.9), "b": (400, 0.8), "c": (100, 0.7)}
    assert found == {"all": places, "true": {name: places[name] for name in "ab"}, "trusted": {"a": places["a"]}}


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawing_is_small_and_its_axes_are_named(full: Profile, name: str) -> None:
    drawing = drawn(full, name)
    assert len(json.dumps(drawing.as_json(), separators=(",", ":"))) < 7_000
    assert all(panel.y.label for panel in drawing.panels)
    assert drawing.panels[-1].x.label


def test_a_variant_takes_less_than_25_kilobytes(full: Profile) -> None:
    drawn = [one.drawing.as_json() for show in SECTIONS if (one := show(full)).drawing]
    assert len(drawn) == len(DRAWN)
    assert len(json.dumps(drawn, separators=(",", ":"))) < 25_000


def test_a_drawing_leaves_out_default_values_and_keeps_zeros() -> None:
    marks = [Mark(1, 1 / 3, "a"), Mark(2, 0.0, "b", low=0.0)]
    drawing = Drawing([Panel(Axis("x", low=0.0), Axis("y"), [Series("s", marks, "red"), Series("none", [], "blue")])])
    assert drawing.as_json() == {
        "panels": [
            {
                "x": {"label": "x", "low": 0.0},
                "y": {"label": "y"},
                "series": [
                    {"colour": "red", "x": [1, 2], "y": [0.333333, 0.0], "title": ["a", "b"], "low": [None, 0.0]},
                    {"colour": "blue", "x": [], "y": []},
                ],
            }
        ]
    }


def test_a_value_keeps_more_digits_than_a_screen_has_pixels(full: Profile) -> None:
    own = [known(point.p50_ms) for point in full.latency[: len(BATCHES)]]
    (shown, *_) = drawn(full, "latency").as_json()["panels"][0]["series"]
    np.testing.assert_allclose(shown["y"], own, rtol=1e-5)
