"""Which versions a live server begins with, and who decides over them from then on."""

from collections.abc import Mapping

from orchestrators import trivial
from orchestrators.errors import Infeasible
from orchestrators.live.agent import First, Policy


def affordable(problem: trivial.Problem) -> Mapping[str, str]:
    """What the trivial policy plans for the problem's demand; the cheapest where nothing carries it."""
    try:
        return trivial.solve(problem).versions
    except Infeasible:
        return trivial.chain(problem)[-1].versions


def largest(problem: trivial.Problem) -> Mapping[str, str]:
    return trivial.chain(problem)[0].versions


def smallest(problem: trivial.Problem) -> Mapping[str, str]:
    # A task without demand would keep its largest.
    return trivial.chain(problem.with_demand({task.name: 1.0 for task in problem.tasks}))[-1].versions


def fixed(first: First) -> Policy:
    """Always the same versions, which a policy that decides is compared with."""

    def decide(
        problem: trivial.Problem, state: trivial.State, cpu_share: float, _demand_rps: Mapping[str, float]
    ) -> tuple[trivial.State, trivial.Decision]:
        wanted, seen = dict(first(problem)), state.after(cpu_share, trivial.Settings().window_s)
        # After a load that failed, as after any other update, nothing is done for a while.
        if wanted == state.versions or state.since_update_s < trivial.Settings().hold_s:
            return seen, trivial.Decision(rule="hold", reason="the versions are fixed")
        return trivial.State(versions=wanted), trivial.Decision(rule="better", reason="fixed", versions=wanted)

    return decide


def policy(name: str) -> tuple[First, Policy]:
    """How it begins, and how it goes on."""
    if name == "trivial":
        return affordable, trivial.step
    first = largest if name == "largest" else smallest
    return first, fixed(first)
