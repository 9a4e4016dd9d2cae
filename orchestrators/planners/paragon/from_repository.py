"""Paragon's problem from a published repository."""

from collections.abc import Sequence

from orchestrators.family import check_one_unit, family, price
from orchestrators.planners.paragon.load import Load
from orchestrators.planners.paragon.problem import Function, Problem, QueryClass, Serverless, Variant, Vm
from porting.repository import Repository
from porting.repository.variant_on_target import VariantOnTarget
from profiler.records.capacity import Capacity

# AWS Lambda gives a whole processor at 1,769 MB (its documentation, "Configure Lambda function memory").
GB_PER_CORE = 1.769
GB = 1 << 30


def from_repository(
    repository: Repository,
    *,
    target: str | Sequence[str],
    classes: Sequence[QueryClass],
    serverless: str | None = None,
    memory_gb: Sequence[float] | None = None,
    gb_per_core: float = GB_PER_CORE,
    peak_to_median: float = 1.5,
    cold: bool = False,
) -> Problem:
    """The problem for classes of queries, with VMs of one or several targets.

    A VM is a profiled target at its price per hour. Functions have the prices, start-up and latencies of the target
    `serverless`, or of the first one. Their sizes are those with a measured processor time, unless `memory_gb` names
    them. Raises `BadInputError` where a figure or a price is missing; figures of functions are needed
    only for tasks with a strict class above the peak-to-median threshold.
    """
    targets = [target] if isinstance(target, str) else list(target)
    on_targets: dict[tuple[str, str], list[VariantOnTarget]] = {}
    for task in dict.fromkeys(one.task for one in classes):
        for one in (one for name in targets for one in family(repository, task, name)):
            on_targets.setdefault((task, one.name), []).append(one)
    loads = [(one, Load(one.rates_rps, one.step_s)) for one in classes if one.strict]
    peaked = {one.task for one, load in loads if load.peak_to_median > peak_to_median}
    hosts = {one.name: one for task in sorted(peaked) for one in family(repository, task, serverless or targets[0])}
    profiles = [one.profile for group in (*on_targets.values(), hosts.values()) for one in group]
    check_one_unit({one.target_name: one.target.price.currency for one in profiles if one.target.price})
    return Problem(
        classes=list(classes),
        variants=[
            variant(task, group, hosts.get(name), latency_bounds_ms(classes, task), memory_gb, gb_per_core)
            for (task, name), group in on_targets.items()
        ],
        serverless=next((prices(one, cold) for one in hosts.values()), None),
        peak_to_median=peak_to_median,
        cold=cold,
    )


def latency_bounds_ms(classes: Sequence[QueryClass], task: str) -> list[float]:
    """The latency bounds of the task's classes."""
    return [one.max_latency_ms for one in classes if one.task == task and one.max_latency_ms is not None]


def variant(
    task: str,
    on_targets: Sequence[VariantOnTarget],
    host: VariantOnTarget | None,
    bounds_ms: Sequence[float],
    memory_gb: Sequence[float] | None,
    gb_per_core: float,
) -> Variant:
    """A network with its VMs on every target, and its functions where it has a `host`, their profile."""
    sizes = memory_gb or [gb_per_core * one for one in (host or on_targets[0]).cores()]
    functions = [
        Function(memory_gb=size, latency_ms=host.latency_ms(1, size / gb_per_core))
        for size in sizes
        if host is not None
    ]
    return Variant(
        name=on_targets[0].name,
        task=task,
        accuracy=on_targets[0].accuracy().value,
        vms=[vm for one in on_targets for vm in vms(one, bounds_ms)],
        functions=functions,
        memory_gb=host.at("peak_bytes", batch=1).value / GB if host is not None else 0.0,
    )


def vms(one: VariantOnTarget, bounds_ms: Sequence[float]) -> list[Vm]:
    """The VMs of a target, with the capacity at each measured deadline and each bound between them."""
    target = one.profile.target
    own = [point for point in one.profile.own(one.profile.capacity) if point.requests_per_s is not None]
    measured_ms = {point.deadline_ms for point in one.needed(own or None, "capacity", Capacity)}
    between_ms = {bound for bound in bounds_ms if min(measured_ms) < bound < max(measured_ms)}
    rates = {deadline: one.capacity_rps(target.cores, deadline) for deadline in sorted(measured_ms | between_ms)}
    per_hour = price(one, "per_hour").per_hour or 0.0
    return [
        Vm(target=one.profile.target_name, cores=target.cores, per_hour=per_hour, latency_ms=deadline, rate_rps=rate)
        for deadline, rate in rates.items()
        if rate
    ]


def prices(one: VariantOnTarget, cold: bool) -> Serverless:
    """The prices of functions."""
    found = price(one, "per_gb_s", "per_call", *(["start_up_s"] if cold else []))
    return Serverless(per_gb_s=found.per_gb_s or 0.0, per_call=found.per_call or 0.0, start_up_s=found.start_up_s)
