"""The first allocation of the chain within a CPU limit."""

from orchestrators.errors import Infeasible
from orchestrators.planners.trivial.chain import chain
from orchestrators.planners.trivial.problem import Plan, Problem


def solve(problem: Problem) -> Plan:
    """The plan of the first allocation of the chain whose expected CPU use is within the limit, for any metric.

    Raises `Infeasible` without such an allocation, and where no version of a task is below its maximal metric.
    """
    found = chain(problem)
    fitting = (step for step, one in enumerate(found) if one.expected_cpu_share <= problem.cpu_limit)
    step = next(fitting, None)
    if step is None:
        raise Infeasible(too_much(problem, min(one.expected_cpu_share for one in found)))
    best = found[step]
    chosen = {task.name: {one.name: one for one in task.versions}[best.versions[task.name]] for task in problem.tasks}
    return Plan(
        versions=best.versions,
        objective=best.accuracy,
        accuracy={task.name: chosen[task.name].accuracy / task.best_accuracy for task in problem.tasks},
        cpu_share={task.name: task.demand_rps / chosen[task.name].images_per_s for task in problem.tasks},
        expected_cpu_share=best.expected_cpu_share,
        cpu_limit=problem.cpu_limit,
        step=step,
        rate_rps={task.name: task.demand_rps for task in problem.tasks},
        cores=problem.cores,
    )


def too_much(problem: Problem, least_share: float) -> str:
    """The message for a demand that no allocation carries."""
    demand = ", ".join(f"{task.demand_rps:g} requests/s of {task.name}" for task in problem.tasks)
    return (
        f"CPU limit: {demand} need at least {least_share:.1%} of {problem.cores:g} cores, {problem.cpu_limit:.1%} are "
        "allowed; lower the demand, publish smaller versions, add a server or raise cpu_limit"
    )
