"""The data of the frontier for the page's script, as JSON: figures, and dominance and ties for each pair of metrics."""

from collections.abc import Collection, Sequence
from itertools import combinations_with_replacement
from typing import Any

from porting.repository.figures import METRICS, every_metric, metric, why_unknown
from porting.repository.frontier import Points
from porting.repository.hypervolume import staircase
from porting.repository.report.ranking_table import PRECISIONS, Member, members, tasks_and_targets
from porting.repository.report.words import display, others_in_words
from porting.repository.schema import Index, Published, Standing, Summary
from porting.repository.standing import RANKED_BY, Candidate, placed


def chart_data(index: Index) -> dict[str, Any]:
    """The known metrics, and the variants by task and target; `ranked_by` names the first two axes."""
    rankings = [
        {"task": task, "target": target} | ranking_data(members(index, task, target))
        for task, target in tasks_and_targets(index)
    ]
    variants = [variant for ranking in rankings for variant in ranking["variants"]]
    precisions = {variant["precision"] for variant in variants}
    known = {name for variant in variants for name in variant["figures"]}
    shown = {name: display(name) for name in axes(known)}
    return {
        "ranked_by": RANKED_BY,
        "colours": {name: colour for name, colour in PRECISIONS.items() if name in precisions},
        "metrics": {
            name: {"label": one.label, "unit": one.unit, "factor": one.factor, "meaning": metric(name).meaning}
            for name, one in shown.items()
        },
        "rankings": rankings,
    }


def axes(known: Collection[str]) -> list[str]:
    """The known metrics for the axes of the chart; a relative capacity decides the places of the absolute one."""
    return [name for name in every_metric(known) if name in known and not name.startswith("relative_capacity")]


def ranking_data(found: Sequence[Member]) -> dict[str, Any]:
    """The variants of a task on a target, and their places for each pair of known metrics."""
    candidates = [Candidate(one.name, one.validation_accuracy, standing.figures) for one, standing in found]
    known = axes({name for one in candidates for name in one.figures})
    pairs = combinations_with_replacement(known, 2)
    return {
        "variants": [variant_data(*member) for member in found],
        "places": {f"{first} {second}": places_data(candidates, (first, second)) for first, second in pairs},
    }


def variant_data(variant: Summary, standing: Standing) -> dict[str, Any]:
    """A variant on a target."""
    return {
        "name": variant.name,
        "precision": variant.precision,
        "published": isinstance(variant, Published),
        "figures": standing.figures,
        "unknown": {name: why_unknown(standing, name) for name in METRICS if name not in standing.figures},
        "level": standing.level,
        "verdict": standing.verdict,
        "load": f"{standing.batch} × {standing.concurrency} callers, {others_in_words(standing.others_share)}",
    }


def places_data(candidates: Sequence[Candidate], metrics: tuple[str, str]) -> dict[str, Any]:
    """The places for two metrics; a variant is its index among the candidates.

    `dominated_by` has for each variant its dominator, -1 on the frontier, -2 without a rank. `ties` has for each
    member of the frontier the members that are tied with it, as bits of a hexadecimal number whose lowest bit is the
    first member. `joined` has the members that no other one beats by point values, the best in the first metric first.
    """
    found, numbers = placed(candidates, metrics), {one.name: number for number, one in enumerate(candidates)}
    best = [one for one in candidates if found[one.name].on_frontier]
    known = [one for one in best if one.figures.keys() >= {*metrics}]
    rows = [[one.figures[name] for name in metrics] for one in known]
    points = Points.of(rows, [metric(name).better for name in metrics])
    joined = staircase([(first, second) for first, second in points.values])
    bits = {one.name: 1 << number for number, one in enumerate(best)}
    return {
        "dominated_by": [
            numbers.get(found[one.name].dominated_by or "", -1 if found[one.name].ranked else -2) for one in candidates
        ],
        "ties": [f"{sum(bits[name] for name in found[one.name].ties_with):x}" for one in best],
        "joined": [numbers[known[place].name] for place in joined],
    }
