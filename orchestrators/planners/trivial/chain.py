"""The allocation chain, from the most accurate version of every task to the cheapest of each task with demand."""

from collections.abc import Mapping, Sequence

from orchestrators.deployment import Infeasible
from orchestrators.planners.trivial.front import Front
from orchestrators.planners.trivial.problem import Plan, Problem, Task, Version
from profiler.common.errors import BadInputError
from profiler.records.base import Value


class Allocation(Value):
    """One version per task, by the tasks' names.

    `metric` (times demand) and `expected_cpu_share` are sums over the tasks. `accuracy` is the system's normalised
    accuracy, 0 to 1: the mean over requests, or over tasks if the problem is literal or has no demand.
    """

    versions: dict[str, str]
    metric: float
    expected_cpu_share: float
    accuracy: float


def chain(problem: Problem) -> list[Allocation]:
    """All allocations, the most accurate first, each with less of the metric than the one before it.

    Raises `Infeasible` where no version of a task is below its maximal metric.
    """
    fronts = [Front.of(task, problem.metric) for task in problem.tasks]
    places = [0] * len(fronts)

    def order_of(which: int) -> tuple[float, float, int]:
        front, place = fronts[which], places[which]
        slope = front.next_slope(place) if problem.literal else front.best_slopes[place]
        return slope, -front.saving(place), which

    def present() -> Allocation:
        at = list(zip(fronts, places, strict=True))
        return summed(problem, [one.versions[place] for one, place in at], [one.accuracies[place] for one, place in at])

    found = [present()]
    while able := [which for which, front in enumerate(fronts) if places[which] < front.steps()]:
        places[min(able, key=order_of)] += 1
        found.append(present())
    return found


def allocation(problem: Problem, versions: Mapping[str, str]) -> Allocation:
    """The allocation of these versions; raises `BadInputError` for an unknown or missing version or task."""
    if unknown := sorted(versions.keys() - {task.name for task in problem.tasks}):
        raise BadInputError(
            f"unknown task {', '.join(unknown)}: choices are {', '.join(t.name for t in problem.tasks)}"
        )
    found = [chosen(task, versions.get(task.name)) for task in problem.tasks]
    normalised = [one.accuracy / task.best_accuracy for task, one in zip(problem.tasks, found, strict=True)]
    return summed(problem, found, normalised)


def chosen(task: Task, name: str | None) -> Version:
    """The task's version of that name."""
    versions = {one.name: one for one in task.versions}
    if name not in versions:
        raise BadInputError(f"version {name!r} of task {task.name!r}: choices are {', '.join(versions)}")
    return versions[name]


def summed(problem: Problem, versions: Sequence[Version], accuracies: Sequence[float]) -> Allocation:
    """The allocation of one version for each task, in their order, with normalised accuracies."""
    demands_rps = [task.demand_rps for task in problem.tasks]
    total_rps = sum(demands_rps)
    by_task = problem.literal or total_rps == 0
    weights = [1 / len(demands_rps) if by_task else demand_rps / total_rps for demand_rps in demands_rps]
    pairs = list(zip(demands_rps, versions, strict=True))
    return Allocation(
        versions={task.name: one.name for task, one in zip(problem.tasks, versions, strict=True)},
        metric=sum(demand_rps * one.per_request(problem.metric) for demand_rps, one in pairs),
        expected_cpu_share=sum(demand_rps * one.per_request("inverse_throughput") for demand_rps, one in pairs),
        accuracy=sum(weight * accuracy for weight, accuracy in zip(weights, accuracies, strict=True)),
    )


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
