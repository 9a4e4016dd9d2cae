"""The best allocation of the chain within a CPU limit."""

from orchestrators.deployment import Deployment
from orchestrators.errors import Infeasible
from orchestrators.trivial.chain import chain
from orchestrators.trivial.problem import Problem
from profiler.records.base import Value


class Plan(Value):
    """A version for each task. `objective` is the system's normalised accuracy, `accuracy` each task's part of it.

    `cpu_share` is what each task is expected to use of the cores, which they all share; `step` says how many steps
    down the chain the plan lies.
    """

    versions: dict[str, str]
    objective: float
    accuracy: dict[str, float]
    cpu_share: dict[str, float]
    expected_cpu_share: float
    cpu_limit: float
    step: int
    rate_rps: dict[str, float]
    cores: float

    @property
    def deployments(self) -> list[Deployment]:
        """One server's models: each may use all of the cores."""
        return [
            Deployment(task=task, variant=name, cores=self.cores, rate_rps=self.rate_rps[task])
            for task, name in self.versions.items()
        ]


def solve(problem: Problem) -> Plan:
    """The first allocation of the chain whose expected CPU use is within the limit, whatever the metric is.

    Raises `Infeasible` where none is, and where no version of a task is below its maximal metric.
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
    demand = ", ".join(f"{task.demand_rps:g} requests/s of {task.name}" for task in problem.tasks)
    return (
        f"CPU limit: {demand} need at least {least_share:.1%} of {problem.cores:g} cores, {problem.cpu_limit:.1%} are "
        "allowed; lower the demand, publish smaller versions, add a server or raise cpu_limit"
    )
