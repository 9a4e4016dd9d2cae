"""One way to serve a class, with its latency and what it costs."""

from math import isinf

from orchestrators.paragon.load import Load
from orchestrators.paragon.plan import Choice
from orchestrators.paragon.problem import MS_PER_S, Function, QueryClass, Serverless, Variant, Vm


def on_vms(query: QueryClass, load: Load, variant: Variant, vm: Vm, count: int) -> Choice:
    """So many VMs; what overflows waits where the class is relaxed."""
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
    """The same VMs with functions for what overflows."""
    start_up_ms = MS_PER_S * (prices.start_up_s or 0.0) if cold else 0.0
    latency_ms = start_up_ms + function.latency_ms
    update = {
        "function": function,
        "latency_ms": max(vms.latency_ms, latency_ms) if vms.vms else latency_ms,
        "serverless_cost_per_hour": prices.per_hour(function, vms.overflow_rps),
    }
    return vms.model_copy(update=update)
