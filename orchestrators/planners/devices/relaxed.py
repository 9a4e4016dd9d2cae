"""Relaxed inference (WoSC 2023, section 5.2, equation 2, corrected): the most items in a given time.

    maximise    Σ (t + 1) · mbs                         over the devices that can warm up in T
    such that   W(mbs) + t · (a · mbs + b) ≤ T          for each of them
                1 ≤ mbs ≤ MB,  0 ≤ t ≤ M                integers

T is the time, W the warm-up run, t the further runs (`orchestrators.planners.devices`).

What was corrected. Equation 2 has every device run a batch, so that one that cannot warm up in T makes everything
infeasible: here it is left out. It multiplies the sum by the number of devices, a constant that changes no choice and
counts every item as often as there are devices: here the objective is the items.

How it is solved. No constraint ties two devices to each other, so the most is the sum of what each can do by itself,
which is found exactly by looking at every batch size; there is no integer program to solve. Of equal choices a device
takes the one that ends first, then the smaller batch.
"""

from collections.abc import Sequence

from orchestrators.errors import Infeasible
from orchestrators.planners.devices import NO_DEVICES, Device, Devices, Schedule, devices, finished, rounded_up
from porting.repository import Repository

__all__ = ["Device", "Plan", "Problem", "from_repository", "solve"]


class Problem(Devices):
    """As many items as possible on these devices by the deadline."""


class Plan(Schedule):
    """The objective is the number of items; `left_out` cannot warm up in time."""

    left_out: list[str]


def from_repository(
    repository: Repository,
    *,
    variant: str,
    deadline_s: float,
    targets: Sequence[str] | None = None,
    max_runs: int | None = None,
) -> Problem:
    """The targets on which the variant was measured (or those of them that are named) as devices."""
    return Problem(devices=devices(repository, variant, targets, max_runs), deadline_s=deadline_s)


def solve(problem: Problem) -> Plan:
    """The most items that each device can do; raises `Infeasible` where there is none, or none can warm up in time."""
    if not problem.devices:
        raise Infeasible(NO_DEVICES)
    choices = finished(problem.devices, problem.deadline_s)
    if not choices:
        first_s, batch, name = min(
            (device.first_s(batch), batch, device.name)
            for device in problem.devices
            for batch in range(1, device.max_batch + 1)
        )
        raise Infeasible(
            f"no device warms up in {problem.deadline_s:g} s: {name} is the quickest with batches of "
            f"{batch}, and a deadline of {rounded_up(first_s)} s would do"
        )
    left_out = [device.name for device in problem.devices if device.name not in choices]
    return Plan.of(choices, objective=sum(choice.items for choice in choices.values()), left_out=left_out)
