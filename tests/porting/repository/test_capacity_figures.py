"""Capacities in the index by their deadline: variants compare at one deadline that they have in common."""

from pathlib import Path

import pytest
from convertible import ACCURATE, FAST, TARGET, accurate, capacities, convertible_repository, fast
from pydantic import JsonValue

from porting.repository import Repository
from porting.repository.compare import compare
from porting.repository.figures import metric
from porting.repository.operating_points import condition
from porting.repository.select import select
from profiler.common.errors import BadInputError
from profiler.records.base import Missing
from profiler.records.profile import Profile

AT_8_5, RELATIVE_AT_8_5 = "capacity_requests_per_s_at_8.5_ms", "relative_capacity_at_8.5_ms"


@pytest.fixture
def published(tmp_path: Path) -> Repository:
    """Two variants with the same deadlines, 3.4 and 8.5 ms."""
    return convertible_repository(tmp_path, accurate(), fast(capacity=capacities(faster=2)))


def test_the_name_of_a_figure_has_its_deadline(published: Repository) -> None:
    assert published.on(ACCURATE, TARGET).figure(AT_8_5) == (400.0, 380.0, 420.0)
    assert published.on(FAST, TARGET).figure(AT_8_5) == (800.0, 760.0, 840.0)


def test_a_frontier_asks_for_one_deadline(published: Repository) -> None:
    best = published.frontier("digits", TARGET, [AT_8_5])
    assert {one.name for one in best} == {ACCURATE, FAST}, "their capacities relative to the reference are equal"
    assert metric(AT_8_5).compared_by == RELATIVE_AT_8_5
    assert published.frontier("digits", TARGET, ["accuracy", AT_8_5])[0].name == ACCURATE


def test_select_takes_a_condition_on_the_capacity_at_one_deadline(published: Repository) -> None:
    found = select(published, [condition(f"{AT_8_5}>=500")]).chosen
    assert found is not None
    assert (found.variant.name, found.batch) == (FAST, 1)


def test_a_deadline_that_was_not_measured_is_unknown_with_those_that_were(published: Repository) -> None:
    found = select(published, [condition("capacity_requests_per_s_at_7_ms>=1")])
    assert found.chosen is None
    why = published.on(FAST, TARGET).why_unknown("capacity_requests_per_s_at_7_ms")
    assert why.startswith("it was not measured at this deadline, but capacity_requests_per_s_at_3.4_ms, ")


def test_an_unknown_figure_is_refused_with_the_form_of_a_capacity(published: Repository) -> None:
    with pytest.raises(BadInputError, match="capacity_requests_per_s_at_DEADLINE_ms"):
        condition("capacity_requests_per_s>=1")
    with pytest.raises(BadInputError, match="capacity_requests_per_s_at_DEADLINE_ms"):
        published.frontier("digits", TARGET, ["capacity_at_8.5_ms"])


def test_a_comparison_shows_a_capacity_that_moved_and_its_deadline(published: Repository, tmp_path: Path) -> None:
    (tmp_path / "later").mkdir()
    later = convertible_repository(tmp_path / "later", accurate(capacity=capacities(faster=3)), fast(
        capacity=capacities(faster=2)
    ))  # fmt: skip
    moved = {change.what for change in compare(published, later)}
    assert moved == {"capacity_requests_per_s_at_3.4_ms", AT_8_5}


def test_a_deadline_that_cannot_be_met_has_its_reason_in_the_index(tmp_path: Path) -> None:
    reason = "the deadline of 3.4 ms is not above the 5 ms of a request"
    at: dict[str, JsonValue] = {
        "runtime": "triton",
        "cores": 1.0,
        "threads": 1,
        "instances": 1,
        "deadline_ms": 3.4,
        "quantile": 0.99,
    }
    missing = Missing(part="capacity", point="Capacity", at=at, verdict="unavailable", reason=reason)
    kept = tuple(one for one in capacities() if one.deadline_ms > 4 or one.cores != 1)
    profile: Profile = accurate(capacity=kept, missing=(missing,))
    one = convertible_repository(tmp_path, profile).on(ACCURATE, TARGET)
    assert one.why_unknown("capacity_requests_per_s_at_3.4_ms") == f"unavailable: {reason}"
    assert one.value(AT_8_5) == 400.0
