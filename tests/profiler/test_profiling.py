"""Going through a plan: finished points are kept, missing ones say why, and only they are measured again."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from blank import blank_level, blank_profile, noise
from made_points import visit
from narrowing import known, of
from stub_host import SteadyReference, StubHost, maximum, model_on

from profiler.common.errors import BadInputError, ServerError
from profiler.common.profile_settings import LatencySettings, LevelSettings
from profiler.common.target import Resources, Target
from profiler.measure.latency.point import latency_point
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements, Shorter
from profiler.plan import Part
from profiler.profiling import REVIVALS, Profiling, profile_file
from profiler.records.base import Point
from profiler.records.latency import LatencyPoint
from profiler.records.place import Place
from profiler.records.profile import Profile
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import PreparedTarget


def point(batch: int, disturbed: bool = False) -> LatencyPoint:
    place = Place("onnxruntime", Resources(1, 1, 1), batch, concurrency=1, input_shape=(1,))
    seen = noise().model_copy(update={"disturbed": disturbed, "busiest": ("ffmpeg (process 7, 1.00 cores)",)})
    return latency_point(place, [1.0] * 9, [1000.0] * 9, seen, 0.0)


class Nowhere(ModelUnderTest):
    """A model that nothing serves."""

    def __init__(self) -> None:
        self.samples, self.thrown_s = {}, 0.0
        fingerprint = blank_profile().fingerprint
        self.prepared = PreparedTarget("here", Target(), fingerprint, StubHost(0.001), SteadyReference(), [1], [0])

    def recover(self) -> None:
        pass


@dataclass
class Plan:
    """A part that measures one point for each batch, and what it was told."""

    broken: dict[int, str] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    measured: list[int] = field(default_factory=list)
    answers: list[Point | None] = field(default_factory=list)
    needed: list[int] = field(default_factory=list)
    shorter: dict[int, float] = field(default_factory=dict)
    disturbed: list[int] = field(default_factory=list)
    thrown_s: float = 0.0

    def measurements(self, settings: LatencySettings) -> Measurements:
        for batch in settings.batches:

            def measure(batch: int = batch) -> list[Point]:
                if batch in self.broken:
                    raise ServerError(self.broken[batch])
                self.measured.append(batch)
                return [point(batch, batch in self.disturbed)]

            shorter = Shorter(self.shorter[batch], measure) if batch in self.shorter else None
            place, needed = point(batch).place, batch in self.needed
            seconds = self.seconds.get(batch, 0.0)
            answer = yield Measurement(LatencyPoint, place, seconds, measure, shorter, needed)
            self.answers.append(answer)


@pytest.fixture
def plan() -> Plan:
    return Plan()


def level(*batches: int, seconds: float = 1.0) -> LevelSettings:
    return blank_level(latency={"batches": list(batches), "seconds": seconds, "input_sizes": []})


def run(plan: Plan, settings: LevelSettings, before: Profile | None = None) -> tuple[Profile, list[Profile]]:
    """The last profile that was kept, and all of them: without a throughput a run ends in an error."""
    kept: list[Profile] = []
    latency = known(settings.latency)
    part = Part("latency", latency, lambda _model, _ledger: plan.measurements(latency))
    first, parts = before or blank_profile(), {"latency": part}
    model = Nowhere()
    model.thrown_s = plan.thrown_s
    work = Profiling(model, first, settings, parts, lambda profile, _: kept.append(profile))
    with pytest.raises(ServerError, match="no maximal throughput"):
        work.run(lambda _: None)
    return kept[-1], kept


def test_every_point_is_kept_as_soon_as_it_is_finished(plan: Plan) -> None:
    _, kept = run(plan, level(1, 2, 4))
    assert [len(profile.latency) for profile in kept[:3]] == [1, 2, 3]


def test_a_point_that_fails_says_why_and_the_next_one_is_measured(plan: Plan) -> None:
    plan.broken = {2: "the server died"}
    profile, _ = run(plan, level(1, 2, 4))
    assert [one.batch for one in profile.latency] == [1, 4]
    (missing,) = profile.missing
    assert (missing.point, missing.at["batch"], missing.verdict) == ("LatencyPoint", 2, "failed")
    assert missing.reason == "the server died"
    assert plan.answers[1] is None


def test_a_second_run_measures_only_what_is_missing(plan: Plan) -> None:
    plan.broken = {2: "the server died"}
    settings = level(1, 2, 4)
    first, _ = run(plan, settings)
    assert not first.covers(settings)
    plan.broken, plan.measured = {}, []
    second, _ = run(plan, settings, first)
    assert plan.measured == [2]
    assert not second.missing
    assert second.covers(settings)


def test_a_disturbed_point_is_measured_again_by_the_next_run(plan: Plan) -> None:
    plan.disturbed = [2]
    settings = level(1, 2, 4).model_copy(update={"disturbed": "again"})
    first, _ = run(plan, settings)
    assert not first.covers(settings)
    assert "1 points were disturbed by ffmpeg" in known(first.disturbance())
    plan.disturbed, plan.measured = [], []
    second, _ = run(plan, settings, first)
    assert plan.measured == [2]
    assert second.covers(settings)
    assert second.disturbance() is None
    assert [one.batch for one in second.latency if one.is_disturbed()] == []


def test_a_disturbed_point_is_kept_where_the_settings_say_so(plan: Plan) -> None:
    plan.disturbed = [2]
    settings = level(1, 2, 4)
    assert settings.disturbed == "keep"
    first, _ = run(plan, settings)
    assert first.covers(settings)
    plan.measured = []
    run(plan, settings, first)
    assert plan.measured == []


def test_a_disturbed_visit_is_measured_again_in_its_own_round() -> None:
    one = visit(2).model_copy(update={"noise": noise().model_copy(update={"disturbed": True})})
    profile = blank_profile().with_points([one, visit(3)])
    assert list(profile.wanted_again(2)) == [one]
    assert list(profile.wanted_again(3)) == []
    assert list(profile.wanted_again()) == [one]


def test_a_run_that_was_killed_goes_on_with_the_points_it_had(plan: Plan) -> None:
    settings = level(1, 2, 4)
    _, kept = run(plan, settings)
    plan.measured = []
    assert not kept[1].covers(settings)
    run(plan, settings, kept[1])
    assert plan.measured == [4]


def test_changed_settings_measure_that_part_again(plan: Plan) -> None:
    first, _ = run(plan, level(1, 2))
    plan.measured = []
    second, _ = run(plan, level(1, 2, seconds=2.0), first)
    assert plan.measured == [1, 2]
    assert len(second.latency) == 2


def test_changed_settings_also_replace_the_points_of_a_killed_run(plan: Plan) -> None:
    _, kept = run(plan, level(1, 2))
    plan.measured = []
    run(plan, level(1, 2, seconds=2.0), kept[0])
    assert plan.measured == [1, 2]


def test_a_point_beyond_the_budget_is_left_for_the_next_run(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    plan.seconds = {2: 19.9}
    now = iter(range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(now)))
    settings = level(1, 2)
    profile, _ = run(plan, settings)
    (missing,) = profile.missing
    assert missing.verdict == "out of budget"
    assert not profile.covers(settings)
    name, _, budget_s = missing.setting.partition("=")
    assert name == "profile.budget_s"
    assert float(budget_s) >= plan.seconds[2]


def test_a_point_that_no_budget_can_hold_is_never_asked_for_again(plan: Plan) -> None:
    plan.seconds = {2: 21.0}
    settings = level(1, 2)
    profile, _ = run(plan, settings)
    assert [one.verdict for one in profile.missing] == ["too long"]
    assert profile.covers(settings)


def test_the_setting_of_a_missing_point_measures_it_and_those_before_it(plan: Plan) -> None:
    plan.seconds = {2: 21.0, 3: 30.0}
    settings = level(1, 2, 3)
    profile, _ = run(plan, settings)
    assert [one.verdict for one in profile.missing] == ["too long", "too long"]
    enough = settings.model_copy(update={"budget_s": float(profile.missing[-1].setting.partition("=")[2])})
    assert not profile.covers(enough)
    plan.measured = []
    again, _ = run(plan, enough, profile)
    assert plan.measured == [2, 3]
    assert again.missing == ()


def test_a_failed_point_needs_no_other_setting(plan: Plan) -> None:
    plan.broken = {2: "no answer"}
    profile, _ = run(plan, level(1, 2))
    assert [(one.verdict, one.setting) for one in profile.missing] == [("failed", "")]


def test_a_server_that_fails_over_and_over_is_given_up(plan: Plan) -> None:
    batches = list(range(1, 9))
    plan.broken = dict.fromkeys(batches, "no answer")
    profile, _ = run(plan, level(*batches))
    reasons = [one.reason for one in profile.missing]
    assert reasons[: REVIVALS + 1] == ["no answer"] * (REVIVALS + 1)
    assert all("given up" in reason for reason in reasons[REVIVALS + 1 :])
    assert len(reasons) == len(batches)


def test_points_by_the_way_are_kept_too() -> None:
    ledger = Ledger([], [])
    ledger.add("throughput", [point(1), point(2)])
    ledger.add("latency", [point(2)])
    assert [(one.batch, one.part) for one in ledger.of(LatencyPoint)] == [(1, "throughput"), (2, "latency")]


def test_a_point_that_is_needed_is_measured_though_the_budget_is_over(plan: Plan) -> None:
    plan.seconds, plan.needed = {1: 100.0, 2: 100.0}, [1]
    profile, _ = run(plan, level(1, 2))
    assert plan.measured == [1]
    assert [(one.at["batch"], one.verdict) for one in profile.missing] == [(2, "too long")]


def test_a_point_that_the_budget_cannot_hold_is_measured_in_the_shorter_way(plan: Plan) -> None:
    plan.seconds, plan.shorter = {1: 100.0, 2: 100.0}, {1: 10.0, 2: 30.0}
    profile, _ = run(plan, level(1, 2))
    assert plan.measured == [1]
    assert [one.at["batch"] for one in profile.missing] == [2]


def test_time_that_others_disturbed_does_not_count_against_the_budget(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan.seconds, now = {2: 15.0}, iter(range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(now)))
    assert [one.at["batch"] for one in run(plan, level(1, 2))[0].missing] == [2]
    plan.thrown_s = 8.0
    assert not run(plan, level(1, 2))[0].missing


def kept_with(model: ModelUnderTest, rate_per_s: float) -> Profile:
    """A profile that an earlier run has kept of this model, with the maximal throughput of a stub."""
    found = maximum(rate_per_s)
    return blank_profile().model_copy(update={"target": model.target, "max_throughput": (found,)})


def completed(model: ModelUnderTest, before: Profile) -> None:
    profile_file(model.prepared, model.path, level(1), before, lambda *_: None, lambda _: None)


@pytest.mark.parametrize("rate_per_s", [1e-40, 1e9, 1e300])
def test_a_kept_figure_that_no_machine_measures_is_named_where_it_is_read(network: Path, rate_per_s: float) -> None:
    model = model_on(StubHost(0.001), network)
    with pytest.raises(BadInputError, match=r"no machine measures \(images_per_s is .*\): remove it to measure"):
        completed(model, kept_with(model, rate_per_s))
    assert of(model.prepared.host, StubHost).loaded == {}


def test_an_error_of_another_kind_is_not_blamed_on_the_kept_profile(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(Profiling, "run", fail)
    model = model_on(StubHost(0.001), network)
    with pytest.raises(ValueError, match=r"^a mistake of ours$"):
        completed(model, kept_with(model, 100.0))
