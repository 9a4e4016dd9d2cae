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
* A task without demand keeps its version, as no answer could be better. Without any demand nothing moves.
* Time is the number of steps: if seconds are left out, the policy waits longer, never shorter.
"""

from collections.abc import Mapping
from statistics import fmean

from orchestrators.planners.trivial.chain import allocation
from orchestrators.planners.trivial.problem import Problem
from orchestrators.policies.rules.moves import better, down, up
from orchestrators.policies.rules.state import THESIS, Move, Settings, State, View
from profiler.common.errors import BadInputError


def step(
    problem: Problem, state: State, cpu_share: float, demand_rps: Mapping[str, float], settings: Settings = THESIS
) -> tuple[State, Move]:
    """The state and the move of the next second, from the used share of all cores (0 to 1) and the demand by task.

    `demand_rps` replaces the demand of the problem. The new state assumes that the move succeeds. Raises
    `BadInputError` for an invalid share, and for an unknown or missing task or version.
    """
    if not 0 <= cpu_share <= 1:
        raise BadInputError(f"cpu_share={cpu_share:g}: give the share of all cores that was used, from 0 to 1")
    seen = state.after(cpu_share, settings.window_s)
    decision = decide(problem.with_demand(demand_rps), seen, settings)
    return (seen if decision.versions is None else State(versions=decision.versions)), decision


def decide(problem: Problem, state: State, settings: Settings) -> Move:
    """The move that the rules decide for the last second."""
    allocation(problem, state.versions)
    waiting = Move(rule="wait", reason=f"the last update was {state.since_update_s} s ago")
    if len(state.cpu_shares) < settings.window_s or state.since_update_s < settings.hold_s:
        return waiting
    mean = fmean(state.cpu_shares)
    if not any(task.demand_rps for task in problem.tasks):
        much = f"{mean:.1%} of the cores are used without any demand: something else runs there"
        notice = much if mean > settings.down_above else None
        return Move(rule="hold", reason="no task has any demand", notice=notice)
    if mean > settings.down_above:
        return down(View.of(problem, state), settings)
    if state.since_update_s < settings.up_after_s:
        return waiting
    view = View.of(problem, state)
    return up(view, settings) if view.most < settings.up_below else better(view)
