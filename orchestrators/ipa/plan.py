"""What is answered: variant, batch and replicas of every stage, and what the objective is made of."""

import math
from collections.abc import Sequence

from orchestrators.deployment import Deployment
from orchestrators.ipa.options import Option
from orchestrators.ipa.problem import Problem
from profiler.records.base import Value


class Plan(Value):
    """By stage, in the pipeline's order.

    `accuracy` is the pipeline's, `resource_cost` the cores of all replicas, `batch_cost` the inputs of all batches, and
    `latency_ms` what a request takes through the pipeline, waiting for full batches included.
    """

    variant: dict[str, str]
    batch: dict[str, int]
    replicas: dict[str, int]
    cores: dict[str, float]
    demand_rps: float
    objective: float
    accuracy: float
    resource_cost: float
    batch_cost: int
    latency_ms: float

    @property
    def deployments(self) -> list[Deployment]:
        return [
            Deployment(
                task=stage,
                variant=name,
                replicas=self.replicas[stage],
                cores=self.cores[stage],
                batch=self.batch[stage],
                rate_rps=self.demand_rps,
            )
            for stage, name in self.variant.items()
        ]


def planned(problem: Problem, chosen: Sequence[Option]) -> Plan:
    """The plan that gives each stage its option."""
    stages = dict(zip((stage.name for stage in problem.stages), chosen, strict=True))
    accuracy = pipeline_accuracy(problem, [one.accuracy for one in chosen])
    resource_cost = sum(one.replicas * one.variant.cores for one in chosen)
    batch_cost = sum(one.batch for one in chosen)
    return Plan(
        variant={stage: one.variant.name for stage, one in stages.items()},
        batch={stage: one.batch for stage, one in stages.items()},
        replicas={stage: one.replicas for stage, one in stages.items()},
        cores={stage: one.variant.cores for stage, one in stages.items()},
        demand_rps=problem.demand_rps,
        objective=problem.alpha * accuracy - problem.beta * resource_cost - problem.delta * batch_cost,
        accuracy=accuracy,
        resource_cost=resource_cost,
        batch_cost=batch_cost,
        latency_ms=sum(one.time_ms for one in chosen),
    )


def pipeline_accuracy(problem: Problem, accuracies: Sequence[float]) -> float:
    if problem.accuracy == "product":
        return math.prod(accuracies)
    return sum(accuracies) / (len(accuracies) if problem.accuracy == "mean" else 1)
