"""What a run would do: what is reused, what is made, and how long that should take; nothing is written."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from porting.common.console import say, table
from porting.configuration.settings import Settings
from porting.configuration.stage_table import SOURCES, STAGES
from porting.jobs.context import Context
from porting.pipeline import jobs_of
from porting.workspace.data import Data
from porting.workspace.records import Variant
from porting.workspace.workspace import Workspace

COLUMNS = ["stage", "what", "reused", "seconds"]


@dataclass(frozen=True)
class Foreseen:
    """One job; `seconds` is what it should take, `None` where nothing like it was done here before."""

    stage: str
    title: str
    reused: bool
    seconds: float | None


def show(settings: Settings) -> None:
    """Prints the plan."""
    level = settings.profile
    found = list(foresee(settings))
    rows = [[one.stage, one.title, "yes" if one.reused else "no", seconds(one)] for one in found]
    table(settings.task, COLUMNS, rows)
    budgets = [one for one in (level.first, level) if one is not None]
    words = " and ".join(f"{one.budget_s:g} s at level {one.level}" for one in budgets)
    say(f"profiling takes at most {words} for each variant and target ({', '.join(settings.targets) or 'none'})")
    known = sum(one.seconds or 0.0 for one in found if not one.reused)
    open_ends = any(one.seconds is None for one in found if not one.reused)
    say(f"in all about {known:,.0f} s{' and what is unknown' if open_ends else ''}")


def foresee(settings: Settings) -> Iterator[Foreseen]:
    """Every job of every stage, as far as its inputs exist: what nothing has made yet stands as one line."""
    workspace, names = Workspace(settings.workspace), settings.stages()
    data = None if settings.datamodule is None else Data(settings.datamodule)
    everything = [variant for task in workspace.tasks() for variant in workspace.variants(task)]
    pool: dict[str, Variant] = {}
    if names[0] not in SOURCES:
        pool = {variant.name: variant for variant in everything if variant.task == settings.task}
    to_come = ""
    for stage in STAGES:
        if stage.name not in names or stage.name == "publish" or (stage.needs_data and data is None):
            continue
        if to_come:
            yield Foreseen(stage.name, f"for each of what {to_come} makes", reused=False, seconds=None)
        with ExitStack() as stack:
            context = Context(settings, workspace, "", data, lambda *_: None, stack)
            for job in jobs_of(stage, context, list(pool.values())):
                found = job.reuse()
                pool |= {} if found is None else {found.name: found}
                yield Foreseen(stage.name, job.title, found is not None, job.budget_s or past_s(stage.name, everything))
                to_come = to_come or (stage.name if found is None and stage.makes_variants else "")


def past_s(stage: str, variants: Iterable[Variant]) -> float | None:
    """What such a step took in this workspace, in the middle."""
    found = [step.seconds for variant in variants for step in variant.lineage if step.stage == stage]
    return median(found) if found else None


def seconds(one: Foreseen) -> str:
    if one.reused:
        return "0"
    return "unknown" if one.seconds is None else f"{one.seconds:,.0f}"
