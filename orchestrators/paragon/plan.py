"""What Paragon decides for each class, and what it costs."""

from pydantic import Field

from orchestrators.deployment import Deployment
from orchestrators.paragon.problem import Function, Vm
from profiler.records.base import Value


class Choice(Value):
    """The model of a class and where it runs: so many VMs, and functions where `function` is not null.

    `vm_rps` and `overflow_rps` are the mean rates of the VMs and of the functions; the latency is the longest of both,
    for a relaxed class with the longest wait. `peak_to_median` is null where the median is 0 and the peak is not.
    """

    query_class: str
    task: str
    variant: str
    accuracy: float
    latency_ms: float
    vm: Vm
    vms: int = Field(ge=0)
    function: Function | None
    vm_rps: float = Field(ge=0)
    overflow_rps: float = Field(ge=0)
    vm_cost_per_hour: float
    serverless_cost_per_hour: float
    peak_to_median: float | None

    @property
    def cost_per_hour(self) -> float:
        return self.vm_cost_per_hour + self.serverless_cost_per_hour


class Plan(Value):
    """A choice for each class; the objective is what all cost an hour."""

    choices: list[Choice]
    objective: float

    @property
    def deployments(self) -> list[Deployment]:
        """What the VMs serve; functions are there while they are called."""
        return [
            Deployment(task=one.task, variant=one.variant, replicas=one.vms, cores=one.vm.cores, rate_rps=one.vm_rps)
            for one in self.choices
            if one.vms
        ]
