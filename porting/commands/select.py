"""The command select: chooses one variant of a published repository under conditions."""

import argparse
import shlex
from collections.abc import Sequence

from porting.command_line.public_key import add_public_key
from porting.common.console import say, table
from porting.repository import Repository
from porting.repository.figures import compared_by, metric
from porting.repository.operating_points import SETTINGS, Condition, OperatingPoint, condition
from porting.repository.report.words import others_in_words, verdict_in_words
from porting.repository.select import select
from profiler.common.errors import DnnPortingError

SHOWN = ("accuracy", "images_per_s", "p50_ms", "p99_ms", "peak_bytes")


def run(arguments: Sequence[str]) -> None:
    """Chooses one variant, its target, batch, instances and threads; exit code 1 where nothing meets the conditions."""
    parser = argparse.ArgumentParser(prog="dnn-porting select", description=run.__doc__)
    parser.add_argument("repository", help="a folder or a URL such as s3://bucket/prefix")
    parser.add_argument("conditions", nargs="*", metavar="CONDITION", help="for example 'accuracy>=0.9' 'p99_ms<=20'")
    parser.add_argument("--objective", default="accuracy", help="the figure to be best in (default: %(default)s)")
    parser.add_argument("--task", help="default: the only one")
    parser.add_argument("--target", help="default: any")
    add_public_key(parser)
    options = parser.parse_args(arguments)

    conditions = [condition(text) for text in options.conditions]
    repository = Repository.load(options.repository, options.public_key)
    found = select(repository, conditions, options.objective, options.task, options.target)
    if found.chosen is not None:
        show(found.chosen, conditions, options.objective, options.repository)
    for miss in found.misses:
        say(f"not {option_text(miss.point)}\n    {'; '.join(miss.lacks)}")
    if found.chosen is None:
        way = f"relax {found.relaxed[0]}" if found.relaxed else "relax several conditions, as the lines above show"
        raise DnnPortingError(f"nothing meets {', '.join(map(str, conditions))}: {way}")


def option_text(point: "OperatingPoint") -> str:
    """The text of an operating point."""
    resources, settled = point.resources, point.verdict == "settled"
    return (
        f"{point.variant.name} on {point.target}, batch {point.batch}{'' if settled else f' ({point.verdict})'}, "
        f"{resources.instances} instance(s) of {resources.threads} thread(s) on {resources.cores:g} core(s)"
    )


def show(chosen: "OperatingPoint", conditions: "Sequence[Condition]", objective: str, repository: str) -> None:
    """Prints the chosen operating point, the figures that justify it, and the command that serves it."""
    named = {condition.name: condition for condition in conditions}
    rows = []
    for name in dict.fromkeys((*named, objective, compared_by(objective), *SHOWN)):
        figure, found = chosen.figures.get(name), chosen.value(name)
        interval = "" if figure is None or None in figure[1:] else f"{figure[1]:.5g} … {figure[2]:.5g}"
        text = "unknown" if found is None else f"{found:.5g}"
        kind = "predicted" if name in chosen.predicted else "measured" if figure else ""
        kind += f" {verdict_in_words(chosen.figures, name, chosen.verdict)}" if name not in SETTINGS else ""
        why = chosen.unknown.get(name, "")
        if name in named:
            sure = figure is not None and named[name].surely_met_by(figure)
            why = f"{named[name]}{'' if sure or figure is None else ', not beyond its interval'}"
        rows.append([name, text, interval, "" if name in SETTINGS else metric(name).unit, kind.strip(), why])
    table(option_text(chosen), ["figure", "value", "95 % interval", "unit", "kind", "condition, or reason"], rows)
    say(f"load        {others_in_words(chosen.others_share)}: their share of the cores beside the maximal throughput")
    standing = chosen.variant.targets[chosen.target]
    if standing.verdict != "settled":
        say(f"verdict     {standing.verdict} at batch {standing.batch}: {standing.verdict_reason}")
    words = ["dnn-porting", "serve", repository, "--target", chosen.target, "--variant", chosen.variant.name]
    say(f"serve it    {shlex.join(words)}")
