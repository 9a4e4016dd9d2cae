"""INFaaS' problem from a published repository."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from orchestrators.family import check_one_unit, family
from orchestrators.planners.infaas.problem import KEY, Demand, Limit, Problem, Variant
from porting.repository import Repository
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError
from profiler.records.throughput import MaximalThroughput


def from_repository(
    repository: Repository,
    *,
    task: str,
    target: str | Sequence[str],
    demand_rps: float,
    deadline_ms: float,
    max_cores: float | Mapping[str, float],
    accuracy: float = 0.0,
    max_memory_bytes: int | None = None,
    running: Mapping[str, int] | None = None,
    slack: float = 1.05,
    load_weight_per_s: float = 1 / 60,
    load_priced: bool = True,
) -> Problem:
    """The autoscaler's problem for one task on one or several targets, with the same limits for each target.

    `running` counts the present instances by `Variant.key`; `variants` describes those that are no longer published.
    For each network and number of cores the problem has the batch of the highest throughput in time, and the running
    ones. Raises `BadInputError` where a figure is missing.
    """
    targets = [target] if isinstance(target, str) else list(target)
    cores = max_cores if isinstance(max_cores, Mapping) else dict.fromkeys(targets, max_cores)
    if missing := [one for one in targets if one not in cores]:
        raise BadInputError(f"max_cores has no figure for {missing[0]}: state one")
    found = variants(repository, task=task, target=targets, memory=max_memory_bytes is not None, running=running)
    return Problem(
        demands=[Demand(task=task, rate_rps=demand_rps, accuracy=accuracy, latency_ms=deadline_ms)],
        variants=offered(found, deadline_ms),
        limits=[Limit(target=one, cores=cores[one], memory_bytes=max_memory_bytes) for one in targets],
        slack=slack,
        load_weight_per_s=load_weight_per_s,
        load_priced=load_priced,
    )


def variants(
    repository: Repository,
    *,
    task: str,
    target: str | Sequence[str],
    memory: bool = False,
    running: Mapping[str, int] | None = None,
) -> list[Variant]:
    """Every network of the frontier with each batch and number of cores whose throughput was measured.

    The most accurate comes first. Instances in `running` that are no longer published are left out: their figures are
    unknown, so a plan is without them and they are to be unloaded. Raises `BadInputError` for a missing figure, for an
    invalid key in `running`, and where targets have different currencies or only some have a price.
    """
    targets = [target] if isinstance(target, str) else list(target)
    found = [one for name in targets for one in family(repository, task, name)]
    check_one_unit({one.profile.target_name: cost(one, 1)[1] for one in found})
    ways = [variant(one, task, batch, cores, memory) for one in found for batch, cores in measured(one)]
    counts = running or {}
    if odd := [key for key in counts if not KEY.fullmatch(key)]:
        raise BadInputError(f"running names {odd[0]!r}, which is no Variant.key: keys are such as {ways[0].key}")
    return [one.model_copy(update={"running": counts.get(one.key, 0)}) for one in ways]


def measured(one: VariantOnTarget) -> list[tuple[int, float]]:
    """The pairs of batch and cores with a measured throughput, on the target's own number of instances.

    Where dynamic batching is on, the largest batch that the server joins is one of them.
    """
    one.needed(one.profile.best_throughput(), "maximal throughput", MaximalThroughput)
    own = one.profile.target.instances
    found = {(point.batch, point.cores) for point in one.profile.max_throughput if point.instances == own}
    cores = float(one.profile.target.cores)
    return sorted(found | ({(joined, cores)} if (joined := one.joined_batch(cores)) > 1 else set()))


def variant(one: VariantOnTarget, task: str, batch: int, cores: float, memory: bool) -> Variant:
    """A network with one batch size and number of cores."""
    return Variant(
        name=one.name,
        task=task,
        target=one.profile.target_name,
        cores=cores,
        batch=batch,
        accuracy=one.accuracy().value,
        latency_ms=one.latency_ms(batch, cores),
        rate_rps=one.joined_rps(batch, cores),
        load_s=one.load_s(),
        cost=cost(one, cores)[0],
        memory_bytes=round(one.at("peak_bytes", batch=batch).value) if memory else None,
    )


def cost(one: VariantOnTarget, cores: float) -> tuple[float, str]:
    """The price of these cores for an hour as a share of the target's price, and its currency.

    Without a price it is the number of cores.
    """
    price = one.profile.target.price
    if price is None or price.per_hour is None:
        return cores, "cores"
    return price.per_hour * cores / one.profile.target.cores, price.currency


def offered(ways: Iterable[Variant], deadline_ms: float) -> list[Variant]:
    """The batch of the highest throughput in time for each network and number of cores, and the running ones.

    Where no batch is in time it is the smallest.
    """
    kept = []
    for _, group in groupby(ways, key=lambda one: (one.name, one.target)):
        alike = list(group)
        for cores in sorted({one.cores for one in alike}):
            same = [one for one in alike if one.cores == cores]
            in_time = [one for one in same if one.latency_ms <= deadline_ms] or same[:1]
            best = max(in_time, key=lambda one: one.rate_rps)
            kept += [one for one in same if one == best or one.running]
    return kept
