"""The trivial policy from second to second."""

from collections.abc import Iterable, Mapping

import pytest
from numpy.random import default_rng
from pydantic import ValidationError

from orchestrators.planners.trivial import Problem, Task, Version, allocation, chain
from orchestrators.policies.rules import Move, Settings, State, step
from profiler.common.errors import BadInputError

# Accuracy, images/s and FLOPs of the versions v1 ... v6, about those of the thesis' CIFAR-10 chain.
FAMILY = (0.96, 4, 9e9), (0.94, 8, 7e9), (0.9, 14, 5e9), (0.87, 24, 3e9), (0.8, 40, 2e9), (0.6, 76, 1e9)
VERSIONS = tuple(
    Version(name=f"v{place}", accuracy=accuracy, images_per_s=rate, flops=flops)
    for place, (accuracy, rate, flops) in enumerate(FAMILY, start=1)
)


def family(name: str = "a", versions: Iterable[Version] = VERSIONS) -> Task:
    return Task(name=name, versions=tuple(versions), demand_rps=0)


ONE = Problem(tasks=(family(),))
TWO = Problem(tasks=(family("a"), family("b")))
BY_FLOPS = ONE.model_copy(update={"metric": "flops"})


def waited(versions: str | Mapping[str, str], cpu_share: float, seconds: int = 29) -> State:
    """These versions answered for so long, and so much of the cores was used all the time."""
    chosen = {"a": versions} if isinstance(versions, str) else dict(versions)
    return State(versions=chosen, since_update_s=seconds, cpu_shares=(cpu_share,) * 10)


def decided(
    state: State, demand_rps: float | Mapping[str, float], cpu_share: float, problem: Problem = ONE, **settings: float
) -> Move:
    """What is decided in the next second, at the use that there was."""
    demand = demand_rps if isinstance(demand_rps, Mapping) else {"a": demand_rps}
    return step(problem, state, cpu_share, demand, Settings.model_validate(settings))[1]


def test_the_worked_example() -> None:
    """76 inferences/s, demand 11, 35 % observed, where 1.2 × 14.5 % are foreseen."""
    decision = decided(waited("v6", 0.35), 11, 0.35)
    assert decision.multiplier == pytest.approx(3.74, abs=0.005)
    assert decision.notice is not None
    assert "foresee 14.5% of CPU use at this demand and 35.0% were measured" in decision.notice
    # Up to 3.74 × 11 / 76 = .542: v5 needs .275, v4 .458 and v3 .786.
    assert (decision.rule, decision.versions) == ("up", {"a": "v4"})


def test_where_the_metric_foresees_the_use_the_goal_over_the_use_is_the_multiplier() -> None:
    """The thesis' own: 20 requests/s at 50 a second are 40 %, and ten a second would be 200 %."""
    versions = [Version(name=str(rate), accuracy=1 - rate / 100, images_per_s=rate) for rate in (10, 32, 50)]
    problem = Problem(tasks=(family(versions=tuple(versions)),))
    decision = decided(waited("50", 0.4), 20, 0.4, problem)
    assert decision.multiplier == pytest.approx(1.625)
    assert decision.notice is None
    # 20 / 32 is .625, below .65.
    assert decision.versions == {"a": "32"}


def test_less_use_than_foreseen_is_believed() -> None:
    decision = decided(waited("v6", 0.1), 11, 0.1)
    assert decision.multiplier == pytest.approx(6.5)
    assert decision.notice is None


def test_the_maximum_of_the_window_bounds_the_growth_and_the_mean_gives_notice() -> None:
    state = State(versions={"a": "v6"}, since_update_s=29, cpu_shares=(0.1,) * 9)
    rising = decided(state, 11, 0.16)
    assert rising.multiplier == pytest.approx(0.65 / 0.16)
    chance = decided(state, 11, 0.3)
    assert chance.multiplier == pytest.approx(0.65 / (1.2 * 11 / 76))
    assert chance.notice is None


def test_above_the_goal_the_metric_falls_to_at_most_60_percent() -> None:
    assert decided(waited("v1", 0.9), 3, 0.9).versions == {"a": "v2"}
    assert decided(waited("v2", 0.9), 6, 0.9).versions == {"a": "v3"}
    assert decided(waited("v3", 0.9), 12, 0.9).versions == {"a": "v4"}
    # v5 has 60 % of the metric of v4.
    assert decided(waited("v4", 0.9), 20, 0.9).versions == {"a": "v5"}
    assert decided(waited("v2", 0.9), 6, 0.9, reduction=0.6).versions == {"a": "v4"}


def test_a_step_down_passes_over_versions_that_save_too_little() -> None:
    near = [Version(name=str(rate), accuracy=1 - rate / 100, images_per_s=rate) for rate in (10, 12, 16, 20, 40)]
    decision = decided(waited("10", 0.8), 8, 0.8, Problem(tasks=(family(versions=near),)))
    assert (decision.rule, decision.versions) == ("down", {"a": "20"})


def test_where_no_versions_save_enough_the_smallest_do_what_they_can() -> None:
    near = [Version(name=str(rate), accuracy=1 - rate / 100, images_per_s=rate) for rate in (10, 12)]
    decision = decided(waited("10", 0.8), 8, 0.8, Problem(tasks=(family(versions=near),)))
    assert (decision.rule, decision.versions) == ("down", {"a": "12"})
    assert "no versions save 40%" in decision.reason


def test_where_nothing_smaller_is_left_the_administrator_is_told() -> None:
    decision = decided(waited("v6", 0.95), 80, 0.95)
    assert (decision.rule, decision.versions) == ("hold", None)
    assert decision.notice == (
        "mean CPU use 95.0% is above 70% and no smaller versions are left: lower the demand, or add cores or a server"
    )


def test_a_task_of_one_version_stays_where_it_is() -> None:
    alone = Problem(tasks=(family(versions=VERSIONS[:1]),))
    assert decided(waited("v1", 0.95), 4, 0.95, alone).notice is not None
    assert decided(waited("v1", 0.2), 1, 0.2, alone).rule == "hold"
    assert decided(waited("v1", 0.6), 2, 0.6, alone).rule == "hold"


def test_exactly_70_percent_is_not_above_and_50_percent_not_below() -> None:
    assert decided(waited("v4", 0.7), 11, 0.7).rule == "hold"
    assert decided(waited("v4", 0.5), 5, 0.5).rule == "hold"
    assert decided(waited("v4", 0.49), 5, 0.49).rule == "up"


def test_one_second_at_half_the_cores_keeps_the_policy_from_stepping_up() -> None:
    state = State(versions={"a": "v6"}, since_update_s=29, cpu_shares=(0.1,) * 9)
    assert decided(state, 11, 0.5).rule == "hold"


def test_by_other_metrics_a_step_up_is_the_smallest() -> None:
    decision = decided(waited("v6", 0.05), 1, 0.05, BY_FLOPS)
    assert (decision.rule, decision.versions, decision.multiplier) == ("up", {"a": "v5"}, None)
    assert decided(waited("v1", 0.05), 1, 0.05, BY_FLOPS).rule == "hold"


def test_by_other_metrics_a_step_down_saves_40_percent_as_well() -> None:
    assert decided(waited("v1", 0.9), 1, 0.9, BY_FLOPS).versions == {"a": "v3"}


def test_no_use_at_all_despite_demand_is_not_believed() -> None:
    decision = decided(waited("v6", 0.0), 11, 0.0)
    assert decision.multiplier == pytest.approx(0.65 / (1.2 * 11 / 76))
    assert decision.notice is not None
    assert decision.notice.endswith("and none was measured: check the measurement")


@pytest.mark.parametrize("cpu_share", [0.0, 0.3, 0.6])
def test_without_any_demand_nothing_moves(cpu_share: float) -> None:
    decision = decided(waited("v6", cpu_share), 0, cpu_share)
    assert (decision.rule, decision.versions, decision.notice) == ("hold", None, None)


def test_use_without_any_demand_is_something_else() -> None:
    decision = decided(waited("v6", 0.8), 0, 0.8)
    assert (decision.rule, decision.versions) == ("hold", None)
    assert decision.notice == "80.0% of the cores are used without any demand: other work runs there"


def test_a_task_without_demand_keeps_its_version() -> None:
    decision = decided(waited({"a": "v6", "b": "v5"}, 0.1), {"a": 1, "b": 0}, 0.1, TWO)
    assert (decision.rule, decision.versions) == ("up", {"a": "v1", "b": "v5"})
    decision = decided(waited({"a": "v3", "b": "v1"}, 0.9), {"a": 10, "b": 0}, 0.9, TWO)
    assert (decision.rule, decision.versions) == ("down", {"a": "v4", "b": "v1"})


def test_between_the_thresholds_a_better_allocation_of_the_same_metric_is_taken() -> None:
    """The demand went from one task to the other while the versions did not."""
    state = waited({"a": "v1", "b": "v6"}, 0.6)
    decision = decided(state, {"a": 1, "b": 10}, 0.6, TWO)
    assert decision.rule == "better"
    assert decision.versions is not None
    now = TWO.with_demand({"a": 1, "b": 10})
    before, after = allocation(now, state.versions), allocation(now, decision.versions)
    assert after.accuracy > before.accuracy
    assert after.metric <= before.metric
    assert decided(waited({"a": "v1", "b": "v6"}, 0.6, 20), {"a": 1, "b": 10}, 0.6, TWO).rule == "wait"


def test_by_other_metrics_a_better_allocation_is_taken_where_no_step_up_is_left() -> None:
    odd = Version(name="odd", accuracy=0.5, images_per_s=3, flops=9.5e9)
    problem = BY_FLOPS.model_copy(update={"tasks": (family(versions=(*VERSIONS, odd)),)})
    decision = decided(waited("odd", 0.1), 1, 0.1, problem)
    assert (decision.rule, decision.versions) == ("better", {"a": "v1"})


def seconds(problem: Problem, state: State, cpu_share: float, demand: Mapping[str, float], limit: int) -> int:
    """After how many seconds the versions change."""
    for second in range(1, limit):
        state, decision = step(problem, state, cpu_share, demand)
        if decision.versions is not None:
            return second
    return limit


def test_nothing_is_updated_within_15_seconds_nor_upwards_within_30() -> None:
    fresh = {name: State(versions={"a": name}) for name in ("v1", "v6")}
    assert seconds(ONE, fresh["v1"], 0.9, {"a": 3.5}, 60) == 15
    assert seconds(ONE, fresh["v6"], 0.1, {"a": 5}, 60) == 30


def test_a_decision_needs_a_whole_window_since_the_last_update() -> None:
    hasty = Settings(hold_s=0, up_after_s=0)
    state = State(versions={"a": "v1"})
    rules = []
    for _ in range(10):
        state, decision = step(ONE, state, 0.9, {"a": 3}, hasty)
        rules.append(decision.rule)
    assert rules == ["wait"] * 9 + ["down"]


def test_an_update_begins_a_new_state_and_everything_else_goes_on() -> None:
    before = waited("v1", 0.9)
    after, decision = step(ONE, before, 0.9, {"a": 3.5})
    assert after == State(versions={"a": "v2"})
    assert decision.versions == after.versions
    on, _ = step(ONE, waited("v4", 0.6), 0.61, {"a": 5})
    assert (on.since_update_s, on.cpu_shares) == (30, (*(0.6,) * 9, 0.61))


def test_the_old_state_is_not_touched() -> None:
    before = waited("v1", 0.9)
    copy = before.model_copy(deep=True)
    assert step(ONE, before, 0.9, {"a": 3.5}) == step(ONE, before, 0.9, {"a": 3.5})
    assert before == copy


def test_only_versions_below_the_maximal_metric_are_switched_to() -> None:
    capped = Problem(tasks=(Task(name="a", versions=VERSIONS, demand_rps=0, max_metric=1 / 10),))
    assert decided(waited("v6", 0.01), 0.5, 0.01, capped).versions == {"a": "v3"}


def test_what_does_not_fit_the_problem_is_refused() -> None:
    with pytest.raises(BadInputError, match="cpu_share=35: give the share of all cores that was used, from 0 to 1"):
        step(ONE, waited("v6", 0.1), 35, {"a": 1})
    with pytest.raises(BadInputError, match="cpu_share=nan"):
        step(ONE, waited("v6", 0.1), float("nan"), {"a": 1})
    with pytest.raises(BadInputError, match=r"demand for \['b'\]: give one for each of a"):
        step(ONE, waited("v6", 0.1), 0.1, {"b": 1})
    with pytest.raises(BadInputError, match="version 'gone' of task 'a': choices are v1"):
        step(ONE, waited("gone", 0.1), 0.1, {"a": 1})
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        step(ONE, waited("v6", 0.1), 0.1, {"a": -1})
    with pytest.raises(ValidationError, match="choose up_below < goal <= down_above"):
        Settings(goal=0.75)


def test_whatever_comes_every_move_keeps_its_rule() -> None:
    """What a move may cost, what it must gain, and when it may come, from any versions under any demand."""
    moved = dict.fromkeys(("down", "up", "better"), 0)
    for seed in range(200):
        dice = default_rng(seed)
        state = State(versions={task: f"v{dice.integers(1, 7)}" for task in "ab"})
        demand = {task: float(dice.choice((0, 0.1, 3, 20))) for task in "ab"}
        for cpu_share in (float(dice.choice((0.2, 0.6, 0.95))),) * 40:
            before = state
            state, decision = step(TWO, before, cpu_share, demand)
            assert (decision.versions is None) == (decision.rule in ("wait", "hold"))
            if decision.versions is None:
                continue
            moved[decision.rule] += 1
            now = TWO.with_demand(demand)
            old, new = allocation(now, before.versions), allocation(now, decision.versions)
            assert before.since_update_s + 1 >= (15 if decision.rule == "down" else 30)
            if decision.rule == "down":
                busy = now.of(task for task in now.tasks if task.demand_rps)
                assert new.metric < old.metric
                assert new.metric <= 0.6 * old.metric * (1 + 1e-9) or new.metric == chain(busy)[-1].metric
            else:
                assert new.accuracy > old.accuracy
                limit = old.metric if decision.rule == "better" else (decision.multiplier or 0) * old.metric
                assert new.metric <= limit * (1 + 1e-9)
    assert min(moved.values()) > 5
