"""The online part of the trivial policy, a pure state machine: `step` is called once a second.

The rules in their order (thesis 4.4), for the demand of that second:

1. Nothing before `hold_s` since the last update, nor before a whole window of CPU use since.
2. Mean use above `down_above`: the best allocation of the chain with at most `1 − reduction` of the present metric.
3. Nothing else before `up_after_s`.
4. Maximal use below `up_below`: with 1/throughput the best allocation below `multiplier` × the present metric; with
   another metric the allocation with the next higher metric.
5. Else the best allocation with no more of the metric than the present one.

A move of 4 or 5 must be more accurate under the present demand. The thesis leaves these points open:

* The multiplier follows from the maximum of the window, so that the metric does not outgrow a rise within it. The
  notice that use and metric differ follows from the mean, as the maximum of random arrivals differs by chance.
* Where no allocation saves `reduction`, the policy takes the cheapest; at the cheapest it stays, with a notice.
* A CPU use of 0 despite demand is taken for an error: the multiplier follows from the limit, with a notice.
* A task without demand keeps its version, as it has no answers. Without any demand no version changes.
* Time is the number of steps: if seconds are left out, the policy waits longer, never shorter.
"""

from collections.abc import Iterable, Mapping
from statistics import fmean

from orchestrators.planners.trivial.chain import Allocation, allocation
from orchestrators.planners.trivial.problem import Problem
from orchestrators.policies.rules.state import ROUNDING, THESIS, Move, Settings, State, View
from profiler.common.errors import BadInputError


def down(view: View, settings: Settings) -> Move:
    """A move to at most `1 − reduction` of the metric, or to the lowest; from the lowest none, with a notice."""
    reason = f"mean CPU use {view.mean:.1%} is above {settings.down_above:.0%}"
    lowest, enough = view.chain[-1], (1 - settings.reduction) * view.present.metric
    if found := first_within(view.chain, enough):
        return Move(rule="down", reason=reason, versions=view.after(found))
    if lowest.metric < view.present.metric:
        reason = f"{reason}; no versions save {settings.reduction:.0%}, the smallest save the most"
        return Move(rule="down", reason=reason, versions=view.after(lowest))
    notice = f"{reason} and no smaller versions are left: lower the demand, or add cores or a server"
    return Move(rule="hold", reason="the smallest versions answer", notice=notice)


def up(view: View, settings: Settings) -> Move:
    """A move to more of the metric within the free CPU, else as `better`."""
    reason = f"maximal CPU use {view.most:.1%} is below {settings.up_below:.0%}"
    if view.metric != "inverse_throughput":
        costlier = [one for one in view.better() if one.metric > view.present.metric * ROUNDING]
        smallest = costlier[-1] if costlier else None
        return Move(rule="up", reason=reason, versions=view.after(smallest)) if smallest else better(view)
    multiplier, notice = growth(view.mean, view.most, view.present.metric, settings)
    limit = multiplier * view.present.metric
    found = next((one for one in view.better() if one.metric < limit), None)
    grown = Move(rule="up", reason=reason, versions=view.after(found)) if found else better(view)
    return grown.model_copy(update={"notice": notice, "multiplier": multiplier})


def better(view: View) -> Move:
    """A move to the best allocation with no more of the metric, if it is more accurate under the present demand."""
    found = first_within(view.better(), view.present.metric)
    if found is None:
        return Move(rule="hold", reason="no better allocation fits")
    return Move(rule="better", reason="more accurate under this demand at no more cost", versions=view.after(found))


def first_within(allocations: Iterable[Allocation], metric: float) -> Allocation | None:
    """The first allocation with at most this metric."""
    return next((one for one in allocations if one.metric <= metric * ROUNDING), None)


def growth(mean: float, most: float, theoretical: float, settings: Settings) -> tuple[float, str | None]:
    """The multiplier of the present metric, and a notice for an administrator.

    `mean` and `most` are the measured CPU use, `theoretical` (above 0) is the use that 1/throughput predicts. The
    multiplier is `goal / most`, or `goal / (theory_limit × theoretical)` where that limit is lower: a use above the
    limit has another cause than the models, or their metric is wrong. A measured use of 0 is taken for an error, and
    the limit counts.
    """
    limit = settings.theory_limit * theoretical
    multiplier = settings.goal / (min(most, limit) if most > 0 else limit)
    foreseen = f"the versions' throughputs foresee {theoretical:.1%} of CPU use at this demand"
    if most == 0:
        return multiplier, f"{foreseen} and none was measured: check the measurement"
    if mean > limit:
        return multiplier, (
            f"{foreseen} and {mean:.1%} were measured: other work uses the cores, or the profile does not hold; look "
            "for other work, or profile the versions again"
        )
    return multiplier, None


def step(
    problem: Problem, state: State, cpu_share: float, demand_rps: Mapping[str, float], settings: Settings = THESIS
) -> tuple[State, Move]:
    """The state and the move of the next second, from the used share of all cores (0 to 1) and the demand by task.

    `demand_rps` replaces the demand of the problem. The new state assumes that the move succeeds. Raises
    `BadInputError` for an invalid share, and for an unknown or missing task or version.
    """
    if not 0 <= cpu_share <= 1:
        raise BadInputError(f"cpu_share={cpu_share:g}: give the share of all cores that was used, from 0 to 1")
    later = state.after(cpu_share, settings.window_s)
    decision = decide(problem.with_demand(demand_rps), later, settings)
    return (later if decision.versions is None else State(versions=decision.versions)), decision


def decide(problem: Problem, state: State, settings: Settings) -> Move:
    """The move that the rules decide for the last second."""
    allocation(problem, state.versions)
    waiting = Move(rule="wait", reason=f"the last update was {state.since_update_s} s ago")
    if len(state.cpu_shares) < settings.window_s or state.since_update_s < settings.hold_s:
        return waiting
    mean = fmean(state.cpu_shares)
    if not any(task.demand_rps for task in problem.tasks):
        much = f"{mean:.1%} of the cores are used without any demand: other work runs there"
        notice = much if mean > settings.down_above else None
        return Move(rule="hold", reason="no task has any demand", notice=notice)
    if mean > settings.down_above:
        return down(View.of(problem, state), settings)
    if state.since_update_s < settings.up_after_s:
        return waiting
    view = View.of(problem, state)
    return up(view, settings) if view.most < settings.up_below else better(view)
