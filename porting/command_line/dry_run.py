"""The jobs of a run that only plans: which are reused, which are new, and their expected time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median

from porting.common.console import say, table
from porting.configuration.settings import Settings
from porting.pipeline import Walk, module_of
from porting.workspace.records import Variant
from porting.workspace.workspace import Workspace

COLUMNS = ["stage", "what", "reused", "seconds"]


@dataclass(frozen=True)
class Foreseen:
    """A job; `seconds` is its expected time, `None` where this workspace has no such step yet."""

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
    budgets = [one for one in (level.screen_with, level) if one is not None]
    words = " and ".join(f"{one.budget_s:g} s at level {one.level}" for one in budgets)
    say(f"profiling takes at most {words} for each variant and target ({', '.join(settings.targets) or 'none'})")
    known = sum(one.seconds or 0.0 for one in found if not one.reused)
    open_ends = any(one.seconds is None for one in found if not one.reused)
    say(f"in all about {known:,.0f} s{' and what is unknown' if open_ends else ''}")


def foresee(settings: Settings) -> Iterator[Foreseen]:
    """Yields the jobs of all stages whose inputs exist; one entry stands for the jobs that depend on new variants."""
    workspace, walk = Workspace(settings.workspace), Walk(settings)
    everything = [variant for task in workspace.tasks() for variant in workspace.variants(task)]
    to_come = ""
    for step in walk.steps():
        if to_come:
            yield Foreseen(step.stage.name, f"for each of what {to_come} makes", reused=False, seconds=None)
        for job in step.jobs:
            found = module_of(job.stage).reuse(step.context, job)
            walk.keep([] if found is None else [found])
            seconds = job.budget_s or past_s(job.stage, everything)
            yield Foreseen(job.stage, job.title, found is not None, seconds)
            to_come = to_come or (job.stage if found is None and job.recipe is not None else "")


def past_s(stage: str, variants: Iterable[Variant]) -> float | None:
    """The median time of steps of this stage in the workspace, or `None`."""
    found = [step.seconds for variant in variants for step in variant.lineage if step.stage == stage]
    return median(found) if found else None


def seconds(one: Foreseen) -> str:
    """The expected time as a text."""
    if one.reused:
        return "0"
    return "unknown" if one.seconds is None else f"{one.seconds:,.0f}"
