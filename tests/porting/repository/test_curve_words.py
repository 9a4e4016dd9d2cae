"""The texts of the report: tables with intervals, and reasons for missing figures."""

import pytest
from drawing import SECTIONS, rows, section
from full_profile import blank_profile, full_profile
from made_points import latency, member, partly, points, rate
from narrowing import known

from porting.repository.report.throughput import over_variants
from porting.repository.report.trust import trust
from profiler.records.base import Missing, Record
from profiler.records.profile import KINDS, PartState, Profile
from profiler.records.throughput import Energy, MaximalThroughput


@pytest.fixture(scope="module")
def full() -> Profile:
    return full_profile()


def test_capacities_are_listed_by_cores_and_deadline(full: Profile) -> None:
    found = rows(full, "load")
    assert [row[:2] for row in found][:2] == [("0.5 × 1", "3.4 ms"), ("0.5 × 1", "8.5 ms")]
    assert found[-1][2:] == ("99%", "400 [380, 420]", "80%", "settled")


def test_speed_up_and_contention_have_their_bounds(full: Profile) -> None:
    assert rows(full, "by_cores") == [
        ("2", "16", "1", "1.79", "1.72", "1.87"),
        ("0.5", "16", "1", "0.449", "0.431", "0.467"),
    ]
    assert [row[:4] for row in rows(full, "contention")] == [
        ("digits-other", "25%", "16", "0.725 [0.7, 0.75]"),
        ("digits-other", "50%", "16", "0.45 [0.45, 0.5]"),
    ]


def test_the_longest_layers_have_their_time_and_their_share(full: Profile) -> None:
    assert rows(full, "layers") == [
        ("conv", "Conv", "conv", "900", "90%"),
        ("fc", "Gemm", "fc", "100", "10%"),
    ]
    notes = section(full, "layers").notes
    assert notes[-1] == "By operator: Conv 900 µs (90%), Gemm 100 µs (10%)."
    assert "The layers take 1 ms and the call around them 0.01 ms, together 100% of the 1.01 ms" in notes[-3]


def test_the_causes_of_a_latency_are_shown_also_without_layers(full: Profile) -> None:
    cause = "40% of a client's median latency is not the computation."
    assert section(full.model_copy(update={"why_not_quicker": (cause,)}), "layers").notes[0] == cause
    missing = Missing(part="layers", point="LayerTimes", at={}, verdict="unavailable", reason="torch has no clock")
    profile = blank_profile(missing=(missing,), why_not_quicker=(cause,))
    why = "Not there: unavailable: torch has no clock (measured by no setting on this machine)."
    assert section(profile, "layers").notes == [why, cause]


def test_sizes_and_batches_have_latency_throughput_memory_and_fits() -> None:
    points = [
        latency(batch, runtime="onnxruntime", input_shape=(3, side, side)) for side in (32, 48) for batch in (1, 2)
    ]
    profile = full_profile(latency=tuple(points))
    found = rows(profile, "sizes")
    assert [row[:2] for row in found][:4] == [("3×32×32", "1"), ("3×32×32", "2"), ("3×32×32", "4"), ("3×32×32", "16")]
    assert found[0][3:] == ("1,953 [1,855, 2,051]", "50.0 MiB")
    assert (found[1][3], found[2][2]) == ("not measured", "not measured")
    notes = " ".join(section(profile, "sizes").notes)
    assert "Fit memory in batch and pixels (predicted): peak_bytes = " in notes
    assert "No fit linear in batch and pixels: 2 distinct value(s) of batch" in notes


def test_factors_over_variants_are_their_median_and_their_ends(full: Profile) -> None:
    slower = full_profile(
        max_throughput=(rate(MaximalThroughput, 16, 4, 780.0), rate(MaximalThroughput, 16, 8, 780.0, cores=2.0))
    )
    rows = {row[0]: row[1:] for row in over_variants([full, slower]).rows}
    assert rows["throughput on 2 cores against 1"] == ("1.4", "1", "1.79", "2")
    assert rows["throughput beside a load of 25%"] == ("0.725", "0.725", "0.725", "2")


def test_the_cost_of_a_choice_by_a_metric_is_an_area_and_a_slowdown() -> None:
    """The choice by FLOPs leaves out b, which is twice as fast as a at less accuracy: its rectangle above c is lost."""
    found = trust([member("a", 0.9, 200, 10), member("b", 0.8, 400, 30), member("c", 0.7, 100, 20)])
    rows = {row[0]: row[1:] for row in known(found[-1].table).rows}
    assert rows["throughput"] == ("2 of 3", "2", "none", "40", "70%, 100 images/s", "0.0%", "1.00 ×")
    assert rows["FLOPs"] == ("1 of 3", "1", "none", "20", "70%, 100 images/s", "50.0%", "2.00 ×")
    assert "Not there: latency is known of 0." in found[1].notes


def test_only_variants_of_the_same_data_are_compared() -> None:
    group = [member("a", 0.9, 200, 10), member("b", 0.8, 400, 30)]
    other = member("c", 0.99, 9000, 1, data="1" * 64)
    notes = " ".join(trust([*group, other])[-1].notes)
    assert "Over 2 of 3 variants" in notes
    (alone,) = trust([other])
    assert alone.notes == ["The comparison needs 2 variants with known accuracy and throughput."]


def test_memory_loading_and_energy_have_figures_or_reasons(full: Profile) -> None:
    memory, loading = section(full, "memory"), section(full, "loading")
    assert rows(full, "memory")[0] == (
        "served processes", "1", "300.0 MiB", "unknown", "311.0 MiB", "unknown",
    )  # fmt: skip
    assert "Largest batch within 1,024.0 MiB: 96" in memory.notes[0]
    assert memory.notes[1:] == ["Unknown model_bytes: not taken.", "Unknown gpu_bytes: not taken."]
    assert rows(full, "loading")[0] == ("load, page cache warm", "208", "unknown", "199", "230", "10")
    assert "Unknown p95_ms: not taken." in loading.notes
    assert any("4 switches under 50 requests/s: loaded in 210 ms" in note for note in loading.notes)
    assert section(full, "energy").notes == ["Energy per inference by rapl: unknown (not taken)."]


def test_a_known_energy_is_shown() -> None:
    energy = partly(Energy, source="nvml", n=4000, seconds=5.0, joules=20.0, joules_per_inference=0.005)
    profile = full_profile(max_throughput=(rate(MaximalThroughput, 16, 4, 780.0, energy=energy),))
    assert section(profile, "energy").notes == [
        "Batch 16 × 4 callers on 1 core(s): 0.005 J per inference (nvml, n 4000)."
    ]


def test_missing_and_unsettled_points_are_listed_with_verdict_and_reason(full: Profile) -> None:
    found = rows(full, "missing")
    assert ("LargestBatch", "runtime triton, page_cache cold", "out of budget", "3.0 s were left",
            "profile=full profile.budget_s=320") in found  # fmt: skip
    assert [row[2:] for row in found if row[0] == "MaximalThroughput"] == [("unsettled", "the interval is ± 9.0 %", "")]
    assert len([row for row in found if row[0] == "LoadPoint"]) == 2


@pytest.mark.parametrize("name", [name for name in SECTIONS if name != "missing"])
def test_a_section_that_a_level_does_not_measure_has_the_reason(name: str) -> None:
    empty = section(blank_profile(), name)
    assert empty.drawing is None
    assert empty.table is None
    assert all(note.endswith("the level quick does not measure it, profile=full does.") for note in empty.notes)
    assert empty.notes


def test_a_missing_point_has_a_reason() -> None:
    missing = Missing(part="repeats", point="Repeats", at={}, verdict="failed", reason="the server died")
    state = PartState(name="repeats", settings={}, seconds=1.0, finished=True)
    profile = blank_profile(missing=(missing,), parts=(state,))
    assert section(profile, "repeats").notes == [
        "Not there: failed: the server died (measured by the same settings again)."
    ]


def test_a_point_that_depends_on_a_missing_one_has_the_reason_of_that_one() -> None:
    missing = Missing(part="scaling", point="LatencyPoint", at={}, verdict="out of budget", reason="1.3 s were left",
                      setting="profile.budget_s=60")  # fmt: skip
    shown = section(full_profile(missing=(missing,), max_throughput=()), "by_cores")
    assert shown.notes[0] == "Not there: out of budget: 1.3 s were left (measured by profile=full profile.budget_s=60)."


def test_a_part_without_points_has_the_reason() -> None:
    def notes(finished: bool) -> list[str]:
        state = PartState(name="repeats", settings={}, seconds=1.0, finished=finished)
        return section(blank_profile(parts=(state,)), "repeats").notes

    assert notes(finished=False) == ["Not there: the run ended before it."]
    assert notes(finished=True) == ["Not there: profile.repeats has no such point, or nothing to measure."]


def test_a_complete_profile_misses_nothing() -> None:
    assert section(blank_profile(), "missing").notes == ["None: every planned point has a figure that settled."]


@pytest.mark.parametrize("field", KINDS)
def test_points_with_only_their_required_fields_are_shown(full: Profile, field: str) -> None:
    bare = tuple(without_optional(point) for point in getattr(full, field))
    profile = full.model_copy(update={field: bare, "fits": (), "refused_fits": ()})
    assert len(SECTIONS) > 1
    assert all(section(profile, name) for name in SECTIONS)


def without_optional(point: Record) -> Record:
    """The point with every optional field unknown."""
    optional = [
        name
        for name, field in type(point).model_fields.items()
        if type(None) in getattr(field.annotation, "__args__", ())
    ]
    update = dict.fromkeys(optional) | {"reasons": dict.fromkeys(optional, "not taken")}
    return type(point).model_validate(point.model_dump() | update)


def test_every_kind_of_point_is_in_the_made_profile() -> None:
    assert set(points()) == set(KINDS)
    assert all(points().values())
