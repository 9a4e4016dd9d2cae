"""What the report says beside its drawings: tables with bounds, and for what is not there the reason."""

import pytest
from drawing import SECTIONS, section
from full_profile import blank_profile, full_profile
from made_points import member, partly, points, rate

from porting.repository.report.scaling import over_variants
from porting.repository.report.sheet import sheet
from porting.repository.report.trust import trust
from profiler.records.base import Missing
from profiler.records.profile import KINDS, PartState, Profile
from profiler.records.throughput import Energy, MaximalThroughput


@pytest.fixture(scope="module")
def full() -> Profile:
    return full_profile()


def test_capacities_stand_by_cores_and_deadline(full: Profile) -> None:
    rows = section(full, "load").table.rows
    assert [row[:2] for row in rows][:2] == [("0.5 × 1", "3.4 ms (2 ×)"), ("0.5 × 1", "8.5 ms (5 ×)")]
    assert rows[-1][2:] == ("99%", "440 [418, 462]", "400 [380, 420]", "80%", "settled")


def test_speed_up_and_contention_have_their_bounds(full: Profile) -> None:
    assert section(full, "by_cores").table.rows == [
        ("2", "16", "1", "1.79", "1.72", "1.87"),
        ("0.5", "16", "1", "0.449", "0.431", "0.467"),
    ]
    assert [row[:3] for row in section(full, "contention").table.rows] == [
        ("25%", "16", "0.725 [0.7, 0.75]"),
        ("50%", "16", "0.45 [0.45, 0.5]"),
    ]


def test_factors_over_variants_are_their_median_and_their_ends(full: Profile) -> None:
    slower = full_profile(
        max_throughput=(rate(MaximalThroughput, 16, 4, 780.0), rate(MaximalThroughput, 16, 8, 780.0, cores=2.0))
    )
    rows = {row[0]: row[1:] for row in over_variants([full, slower]).rows}
    assert rows["throughput on 2 cores against 1"] == ("1.4", "1", "1.79", "2")
    assert rows["throughput beside a load of 25%"] == ("0.725", "0.725", "0.725", "2")


def test_what_it_costs_to_trust_a_metric_is_told_in_area_and_slowdown() -> None:
    """By FLOPs nobody chooses b, which is twice as fast as a at less accuracy: its rectangle above c is lost."""
    found = trust([member("a", 0.9, 200, 10), member("b", 0.8, 400, 30), member("c", 0.7, 100, 20)])
    rows = {row[0]: row[1:] for row in found[-1].table.rows}
    assert rows["throughput"] == ("2 of 3", "2", "none", "40", "70%, 100 images/s", "0.0%", "1.00 ×")
    assert rows["FLOPs"] == ("1 of 3", "1", "none", "20", "70%, 100 images/s", "50.0%", "2.00 ×")
    assert "Not there: latency is known of 0." in found[1].notes


def test_trust_compares_variants_of_the_same_data_only() -> None:
    group = [member("a", 0.9, 200, 10), member("b", 0.8, 400, 30)]
    other = member("c", 0.99, 9000, 1, data="1" * 64)
    notes = " ".join(trust([*group, other])[-1].notes)
    assert "Over 2 of 3 variants" in notes
    (alone,) = trust([other])
    assert alone.notes == ["It takes 2 variants that can be compared in accuracy and throughput."]


def test_memory_loading_and_energy_have_figures_or_reasons(full: Profile) -> None:
    memory, loading = section(full, "memory"), section(full, "loading")
    assert memory.table.rows[0] == (
        "served processes", "1", "300.0 MiB", "unknown", "311.0 MiB", "unknown",
    )  # fmt: skip
    assert "Largest batch within 1,024.0 MiB: 96" in memory.notes[0]
    assert memory.notes[1:] == ["Unknown model_bytes: not taken.", "Unknown gpu_bytes: not taken."]
    assert loading.table.rows[0] == ("load, page cache warm", "208", "unknown", "199", "230", "10")
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
    rows = section(full, "missing").table.rows
    assert ("LargestBatch", "runtime triton, page_cache cold", "out of budget", "3.0 s were left") in rows
    assert [row[2:] for row in rows if row[0] == "MaximalThroughput"] == [("unsettled", "the interval is ± 9.0 %")]
    assert len([row for row in rows if row[0] == "LoadPoint"]) == 2


@pytest.mark.parametrize("name", [name for name in SECTIONS if name != "missing"])
def test_what_a_level_does_not_measure_says_so(name: str) -> None:
    empty = section(blank_profile(), name)
    assert empty.drawing is None
    assert empty.table is None
    assert all(note.endswith("the level quick does not measure it.") for note in empty.notes)
    assert empty.notes


def test_what_could_not_be_had_says_why() -> None:
    missing = Missing(part="repeats", point="Repeats", at={}, verdict="failed", reason="the server died")
    state = PartState(name="repeats", settings={}, seconds=1.0, finished=True)
    profile = blank_profile(missing=(missing,), parts=(state,))
    assert section(profile, "repeats").notes == ["Not there: failed: the server died."]


def test_what_was_not_even_asked_for_says_what_was_missing_before_it() -> None:
    missing = Missing(part="scaling", point="LatencyPoint", at={}, verdict="out of budget", reason="1.3 s were left")
    shown = section(full_profile(missing=(missing,), max_throughput=()), "by_cores")
    assert shown.notes[0] == "Not there: out of budget: 1.3 s were left."


def test_a_part_that_a_run_did_not_reach_or_found_empty_says_so() -> None:
    def notes(finished: bool) -> list[str]:
        state = PartState(name="repeats", settings={}, seconds=1.0, finished=finished)
        return section(blank_profile(parts=(state,)), "repeats").notes

    assert notes(finished=False) == ["Not there: the run ended before it."]
    assert notes(finished=True) == ["Not there: it was not asked for, or there was nothing to measure."]


def test_a_complete_profile_misses_nothing() -> None:
    assert section(blank_profile(), "missing").notes == ["None: every planned point has a figure that settled."]


@pytest.mark.parametrize("field", KINDS)
def test_points_with_nothing_but_what_they_must_have_are_shown(full: Profile, field: str) -> None:
    bare = tuple(without_optional(point) for point in getattr(full, field))
    shown = sheet(full.model_copy(update={field: bare, "fits": (), "refused_fits": ()}))
    assert len(shown) == len(SECTIONS)


def without_optional(point: object) -> object:
    """The point with all unknown that may be."""
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
