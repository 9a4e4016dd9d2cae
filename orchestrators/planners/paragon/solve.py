"""The best model and resource of each class, by comparison of all options that can be the best."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from math import floor, isinf
from typing import NamedTuple

from orchestrators.deployment import Infeasible
from orchestrators.planners.common import MS_PER_S, ROUNDING, servers
from orchestrators.planners.paragon.load import Load
from orchestrators.planners.paragon.problem import (
    Choice,
    Function,
    Plan,
    Problem,
    QueryClass,
    Serverless,
    Variant,
    Vm,
)


def solve(problem: Problem) -> Plan:
    """The best choice for each class; raises `Infeasible` for a class with bounds that no option keeps."""
    choices = [chosen(problem, one) for one in problem.classes]
    return Plan(choices=choices, objective=sum(one.cost_per_hour for one in choices))


def chosen(problem: Problem, query: QueryClass) -> Choice:
    """The option within the bounds that is best in the unbounded figure."""
    load = Load(query.rates_rps, query.step_s)
    own = [one for one in problem.variants if one.task == query.task]
    options = [option for one in own for vm in one.vms for option in served(problem, query, load, one, vm)]
    return min(within(query, options), key=lambda option: rank(query, option))


def rank(query: QueryClass, option: Choice) -> tuple[object, ...]:
    """The order of options: the unbounded figure, then cost, accuracy and latency, then names and sizes."""
    cost, error, latency = option.cost_per_hour, -option.accuracy, option.latency_ms
    first = cost
    if query.max_latency_ms is None:
        first = latency
    elif query.min_accuracy is None:
        first = error
    memory_gb = option.function.memory_gb if option.function else 0.0
    return first, cost, error, latency, option.variant, option.vm.target, option.vms, memory_gb


def served(problem: Problem, query: QueryClass, load: Load, variant: Variant, vm: Vm) -> Iterator[Choice]:
    """The options of a variant on a kind of VM."""
    most = servers(load.peak_rps, vm.rate_rps)
    if not query.strict:
        yield on_vms(query, load, variant, vm, waiting(query, load, vm, most))
        return
    yield on_vms(query, load, variant, vm, most)
    prices = problem.serverless
    if prices is not None and load.peak_to_median > problem.peak_to_median:
        steady = servers(load.median_rps, vm.rate_rps)
        for function in (one for one in variant.functions if one.memory_gb >= variant.memory_gb):
            for count in counts(prices, load, vm, function, range(steady, most)):
                vms = on_vms(query, load, variant, vm, count)
                yield with_functions(prices, function, vms, cold=problem.cold)


def counts(prices: Serverless, load: Load, vm: Vm, function: Function, possible: range) -> set[int]:
    """The cheapest number of VMs, and 0 where that is possible, which may be quicker.

    Every further VM takes less load from the functions than the one before.
    """

    def functions_cost_less(count: int) -> bool:
        relieved = load.overflow_rps(count * vm.rate_rps) - load.overflow_rps((count + 1) * vm.rate_rps)
        return vm.per_hour >= prices.per_hour(function, relieved)

    some = range(max(1, possible.start), possible.stop)
    cheapest = {some[bisect_left(some[:-1], True, key=functions_cost_less)]} if some else set()
    return cheapest | ({0} if 0 in possible else set())


def waiting(query: QueryClass, load: Load, vm: Vm, most: int) -> int:
    """The VMs of a relaxed class: the fewest in time, or without a latency bound the most within the cost."""
    fewest = servers(load.mean_rps, vm.rate_rps)
    if query.max_latency_ms is None:
        spend = query.max_cost_per_hour or 0.0
        affordable = floor(spend / vm.per_hour + ROUNDING) if vm.per_hour else most
        return max(fewest, min(affordable, most))
    longest_s = (query.max_latency_ms - vm.latency_ms) / MS_PER_S
    possible = range(fewest, most)
    return fewest + bisect_left(possible, True, key=lambda count: load.wait_s(count * vm.rate_rps) <= longest_s)


class Bound(NamedTuple):
    """A bound on a figure that is better when smaller; `sign` converts it to the figure of the class."""

    name: str
    limit: float | None
    figure: Callable[[Choice], float]
    sign: int = 1
    unit: str = ""


def within(query: QueryClass, options: list[Choice]) -> list[Choice]:
    """The options that keep every bound; raises `Infeasible` for the first bound that none keeps."""
    kept: list[str] = []
    for bound in (
        Bound("accuracy", query.min_accuracy, lambda one: -one.accuracy, sign=-1),
        Bound("latency", query.max_latency_ms, lambda one: one.latency_ms, unit=" ms"),
        Bound("cost", query.max_cost_per_hour, lambda one: one.cost_per_hour, unit=" an hour"),
    ):
        if bound.limit is not None:
            limit = bound.sign * bound.limit
            found = [one for one in options if bound.figure(one) <= limit * (1 + bound.sign * ROUNDING)]
            if not found:
                raise Infeasible(why_none(query, bound, min(options, key=bound.figure), kept))
            options, kept = found, [*kept, bound.name]
    return options


def why_none(query: QueryClass, bound: Bound, best: Choice, kept: list[str]) -> str:
    """The message with the bound and the best option for it."""
    limit = f"{'at least' if bound.sign < 0 else 'at most'} {bound.limit:.4g}{bound.unit}"
    given = f" with the bounds on {' and '.join(kept)} kept" if kept else ""
    return (
        f"class {query.name}: its {bound.name} must be {limit}, and the best option{given} has "
        f"{bound.sign * bound.figure(best):.4g}{bound.unit} ({best.variant} on {best.vms} VMs of {best.vm.target}); "
        "relax one of its bounds"
    )


def on_vms(query: QueryClass, load: Load, variant: Variant, vm: Vm, count: int) -> Choice:
    """The choice of `count` VMs; the overflow of a relaxed class waits."""
    capacity_rps, ratio = count * vm.rate_rps, load.peak_to_median
    overflow_rps = load.overflow_rps(capacity_rps) if query.strict else 0.0
    wait_s = 0.0 if query.strict else load.wait_s(capacity_rps)
    return Choice(
        query_class=query.name,
        task=query.task,
        variant=variant.name,
        accuracy=variant.accuracy,
        latency_ms=vm.latency_ms + MS_PER_S * wait_s,
        vm=vm,
        vms=count,
        function=None,
        vm_rps=load.mean_rps - overflow_rps,
        overflow_rps=overflow_rps,
        vm_cost_per_hour=count * vm.per_hour,
        serverless_cost_per_hour=0.0,
        peak_to_median=None if isinf(ratio) else ratio,
    )


def with_functions(prices: Serverless, function: Function, vms: Choice, *, cold: bool) -> Choice:
    """The same choice with functions for the overflow."""
    start_up_ms = MS_PER_S * (prices.start_up_s or 0.0) if cold else 0.0
    latency_ms = start_up_ms + function.latency_ms
    update = {
        "function": function,
        "latency_ms": max(vms.latency_ms, latency_ms) if vms.vms else latency_ms,
        "serverless_cost_per_hour": prices.per_hour(function, vms.overflow_rps),
    }
    return vms.model_copy(update=update)
