"""The stage prune: a smaller network for each trained or imported one, each pruner and each aim."""

import itertools
from collections.abc import Iterator, Sequence

from porting.common.console import say
from porting.configuration.aims import Aim
from porting.configuration.stage_table import SOURCES
from porting.jobs.context import Context
from porting.jobs.job import Job
from porting.jobs.new_variant import make_variant, reused
from porting.stages.pruned_network import PrunedNetwork, label
from porting.stages.pruned_variants import best_rival, warn_of_shortfall
from porting.workspace.records import Variant
from profiler.common.errors import BadInputError


def jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """One job for each base network, aim and pruner; progressive ones wait until their start is in the pool."""
    settings = context.settings
    bases = [variant for variant in pool if variant.stage in SOURCES and variant.network is not None]
    if bases and not settings.pruners:
        raise BadInputError("stage prune needs a pruner: choose one with pruner=NAME")
    return [
        job
        for base in bases
        for _, of_kind in itertools.groupby(settings.prune.aims(), key=lambda aim: aim.kind)
        for job in one_after_the_other(context, base, list(of_kind), pool)
    ]


def one_after_the_other(
    context: Context, base: Variant, aims: Sequence[Aim], pool: Sequence[Variant]
) -> Iterator[Job]:  # fmt: skip
    """The jobs for aims of one kind; progressive ones start from the tuned network of the previous aim."""
    starts = dict.fromkeys(context.settings.pruners, base)
    for place, aim in enumerate(aims):
        jobs = {name: PrunedNetwork(context, base, start, name, aim).job() for name, start in starts.items()}
        yield from jobs.values()
        if context.settings.prune.progressive:
            starts = next_starts(context, base, jobs, pool)
            waiting = [label(name, later) for name in jobs if name not in starts for later in aims[place + 1 :]]
            if waiting and "finetune" not in context.settings.stages():
                say(
                    f"prune     {', '.join(waiting)} wait for stage finetune, as prune.progressive=true starts each "
                    "aim from the tuned network before it: run stage=[prune,finetune]"
                )


def next_starts(
    context: Context, base: Variant, jobs: dict[str, Job], pool: Sequence[Variant]
) -> dict[str, Variant]:  # fmt: skip
    """The tuned network from which the next aim of each pruner starts, where the pool has it.

    It is the pruner's own one, or, where only the best is tuned, that of the best rival.
    """
    # Lightning takes seconds to import, and only progressive pruning needs tuned networks.
    from porting.stages.finetune import job as tuning

    by_name = {variant.name: variant for variant in pool}
    pruned = {name: by_name[job.variant] for name, job in jobs.items() if job.variant in by_name}
    if context.settings.finetune.only_best:
        if len(pruned) < len(jobs):
            return {}
        pruned = {name: best_rival(one, pool) for name, one in pruned.items()}
    found = {name: tuning(context, one, base).variant for name, one in pruned.items()}
    return {name: by_name[tuned] for name, tuned in found.items() if tuned in by_name}


def reuse(context: Context, job: Job) -> Variant | None:
    """The pruned network of the same recipe; prints again where its throughput was not met."""
    found = reused(context, job)
    if found is not None and found.pruning is not None:
        warn_of_shortfall(found.pruning)
    return found


def run(context: Context, job: Job) -> Variant:
    """The pruned network as a new variant."""
    return make_variant(context, job, PrunedNetwork.of(context, job).make)
