"""Soft real-time inference (WoSC 2023, section 5.1, equation 1, corrected): the fewest devices that meet a deadline.

    minimise    |U|                                     over the used devices U, and for each its mbs and t
    such that   load + W(mbs) + t · (a · mbs + b) ≤ T   for every used device
                Σ (t + 1) · mbs ≥ N                     over the used devices
                1 ≤ mbs ≤ MB,  0 ≤ t ≤ M                integers

T is the deadline, N the number of items, load the load of the model, W the warm-up run, t the further runs
(`orchestrators.planners.devices`).

Corrections. Equation 1 minimises N_G, a number that no constraint links to a device: its minimum is always 1. The
equation sums the items of all devices, each of which must run a batch of at least 1, so that one device that cannot
warm up in T makes the problem infeasible. Here an unused device costs nothing, processes nothing and has no constraint.

Solution. For a given T only the sum links the devices. Let f_d be the most items of device d in T, which trying every
batch size finds exactly. The k devices with the largest f_d have the largest sum of all k devices: where they do not
reach N, no k devices do. So the devices are taken in the order of f_d, the largest first (equal ones in the given
order), until they reach N. No integer program is needed.

Of the plans for these devices it is the one that ends first: bisection finds the least T at which they reach N. Each
device does the most that it can by then, and unneeded runs are dropped, those of the largest batches first.
"""

from collections.abc import Mapping, Sequence

from pydantic import Field

from orchestrators.deployment import Infeasible
from orchestrators.planners.devices import (
    NO_DEVICES,
    Choice,
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
    """The problem of processing `items` on these devices by the deadline; 0 items need no device."""

    items: int = Field(ge=0)


class Plan(Schedule):
    """The plan, whose objective is the number of used devices."""


def from_repository(
    repository: Repository,
    *,
    variant: str,
    deadline_s: float,
    items: int,
    targets: Targets = None,
    max_runs: int | None = None,
    load: bool = True,
) -> Problem:
    """The problem with the named targets as devices, by default all on which the variant was measured.

    `targets` may give the number of identical devices of each target. Without `load` the variant is loaded already.
    """
    found = devices(repository, variant, targets, max_runs, load)
    return Problem(devices=found, deadline_s=deadline_s, items=items)


def solve(problem: Problem) -> Plan:
    """The plan with the fewest devices, and of those the one that ends first; without items it has no devices.

    Raises `Infeasible` where the devices cannot process all items, with the most that they can and a deadline that is
    long enough.
    """
    if problem.items == 0:
        return Plan.of({}, objective=0)
    if not problem.devices:
        raise Infeasible(NO_DEVICES)
    used = fewest(problem)
    if used is None:
        raise Infeasible(too_many(problem))
    choices = trimmed(used, soonest(used, problem.items, problem.deadline_s), problem.items)
    return Plan.of(choices, objective=len(choices))


def fewest(problem: Problem) -> list[Device] | None:
    """The fewest devices that process all items, in the problem's order; `None` where all cannot.

    Of identical devices it has as many as are needed.
    """
    able = finished(problem.devices, problem.deadline_s)
    names: set[str] = set()
    total = 0
    for name in sorted(able, key=lambda name: -able[name].items):
        if total >= problem.items:
            break
        names.add(name)
        total += able[name].items
    if total < problem.items:
        return None
    needed = [(device, sum(name in names for name in device.names)) for device in problem.devices]
    return [
        device if device.count is None else device.model_copy(update={"count": count})
        for device, count in needed
        if count
    ]


def soonest(used: Sequence[Device], items: int, deadline_s: float) -> Mapping[str, Choice]:
    """The choices at the least deadline by which the devices process the items; `deadline_s` is long enough."""
    early_s, best = 0.0, finished(used, deadline_s)
    while True:
        late_s = end_s(best)
        middle_s = (early_s + late_s) / 2
        if not early_s < middle_s < late_s:
            return best
        choices = finished(used, middle_s)
        if done(choices) >= items:
            best = choices
        else:
            early_s = middle_s


def trimmed(used: Sequence[Device], choices: Mapping[str, Choice], items: int) -> dict[str, Choice]:
    """The choices without unneeded runs, dropped from the largest batches first."""
    owners = {name: device for device in used for name in device.names}
    found, surplus = {name: choices[name] for name in owners}, done(choices) - items
    for name in sorted(owners, key=lambda name: -found[name].batch):
        batch, runs, _ = found[name]
        dropped = min(runs, surplus // batch)
        surplus -= dropped * batch
        found[name] = owners[name].choice(batch, runs - dropped)
    return found


def done(choices: Mapping[str, Choice]) -> int:
    """The items that all devices do."""
    return sum(choice.items for choice in choices.values())


def end_s(choices: Mapping[str, Choice]) -> float:
    """The time at which the last device ends."""
    return max(choice.finish_s for choice in choices.values())


def too_many(problem: Problem) -> str:
    """The message with the most items in time, and the deadline for all, rounded up to a millisecond."""
    within = done(finished(problem.devices, problem.deadline_s))
    text = (
        f"{sum(len(device.names) for device in problem.devices)} device(s) finish at most {within} of {problem.items} "
        f"items in {problem.deadline_s:g} s"
    )
    # More runs than items are never needed.
    ever_s = max(
        device.finish_s(batch, problem.items if device.max_runs is None else min(device.max_runs, problem.items))
        for device in problem.devices
        for batch in range(1, device.max_batch + 1)
    )
    ever = done(finished(problem.devices, ever_s))
    if ever < problem.items:
        return (
            f"{text}, and {ever} in any time, for max_runs and max_batch end there: raise these, or give more devices"
        )
    enough_s = end_s(soonest(problem.devices, problem.items, ever_s))
    return f"{text}: a deadline of {rounded_up(enough_s)} s would do, or more devices"
