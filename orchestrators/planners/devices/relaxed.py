"""Relaxed inference (WoSC 2023, section 5.2, equation 2, corrected): the most items in a given time.

    maximise    Σ (t + 1) · mbs                         over the devices that can warm up in T
    such that   load + W(mbs) + t · (a · mbs + b) ≤ T   for each of them
                1 ≤ mbs ≤ MB,  0 ≤ t ≤ M                integers

T is the time, load the load of the model, W the warm-up run, t the further runs (`orchestrators.planners.devices`).

Corrections. In equation 2 every device runs a batch, so that a device that cannot warm up in T makes the problem
infeasible: here it is left out. The equation multiplies the sum by the number of devices, a constant that changes no
choice: here the objective is the number of items.

Solution. The devices are independent, so the maximum is the sum of the maxima of single devices. Trying every batch
size finds them exactly, without an integer program. Of equal choices a device takes the one that ends first, then the
smaller batch.
"""

from orchestrators.deployment import Infeasible
from orchestrators.planners.devices import (
    NO_DEVICES,
    Device,
    Devices,
    Schedule,
    Targets,
    devices,
    finished,
    rounded_up,
)
from porting.repository import Repository

__all__ = ["Device", "Plan", "Problem", "from_repository", "solve"]


class Problem(Devices):
    """The problem of processing the most items on these devices by the deadline."""


class Plan(Schedule):
    """The plan; its objective is the number of items, and the devices `left_out` cannot warm up in time."""

    left_out: list[str]


def from_repository(
    repository: Repository,
    *,
    variant: str,
    deadline_s: float,
    targets: Targets = None,
    max_runs: int | None = None,
    load: bool = True,
) -> Problem:
    """The problem with the named targets as devices, by default all on which the variant was measured.

    `targets` may give the number of identical devices of each target. Without `load` the variant is loaded already.
    """
    return Problem(devices=devices(repository, variant, targets, max_runs, load), deadline_s=deadline_s)


def solve(problem: Problem) -> Plan:
    """The plan with the most items; raises `Infeasible` where no device can warm up in time."""
    if not problem.devices:
        raise Infeasible(NO_DEVICES)
    choices = finished(problem.devices, problem.deadline_s)
    if not choices:
        ready_s, batch, name = min(
            (device.ready_s(batch), batch, device.name)
            for device in problem.devices
            for batch in range(1, device.max_batch + 1)
        )
        raise Infeasible(
            f"no device warms up in {problem.deadline_s:g} s: {name} is the quickest with batches of "
            f"{batch}, and a deadline of {rounded_up(ready_s)} s would do"
        )
    left_out = [name for device in problem.devices for name in device.names if name not in choices]
    return Plan.of(choices, objective=sum(choice.items for choice in choices.values()), left_out=left_out)
