"""What the page's script draws the frontier from: the part of the index that it needs, as JSON."""

from typing import Any

from porting.repository.figures import METRICS, why_unknown
from porting.repository.report.curves.frontier import PRECISIONS
from porting.repository.report.curves.members import members, panels
from porting.repository.report.page.display import display
from porting.repository.schema import Index, Published, Standing, Summary
from porting.repository.standing import RANKED_BY, data


def chart_data(index: Index) -> dict[str, Any]:
    """The metrics that some variant has, and the variants by task and target; the first two axes are `ranked_by`."""
    chapters: list[dict[str, Any]] = [
        {"task": task, "target": target, "variants": [one(*member) for member in members(index, task, target)]}
        for task, target in panels(index)
    ]
    precisions = {variant["precision"] for chapter in chapters for variant in chapter["variants"]}
    known = {name for chapter in chapters for variant in chapter["variants"] for name in variant["figures"]}
    return {
        "ranked_by": RANKED_BY,
        "colours": {name: colour for name, colour in PRECISIONS.items() if name in precisions},
        "metrics": {name: described(name) for name in METRICS if name in known},
        "chapters": chapters,
    }


def described(name: str) -> dict[str, Any]:
    metric, shown = METRICS[name], display(name)
    return {
        "label": shown.label, "unit": shown.unit, "factor": shown.factor,
        "better": metric.better, "meaning": metric.meaning,
    }  # fmt: skip


def one(variant: Summary, standing: Standing) -> dict[str, Any]:
    """A variant on a target; those of other `data` are not compared with it."""
    return {
        "name": variant.name,
        "precision": variant.precision,
        "published": isinstance(variant, Published),
        "data": data(variant.validation_accuracy),
        "figures": standing.figures,
        "unknown": {name: why_unknown(standing, name) for name in METRICS if name not in standing.figures},
        "level": standing.level,
        "verdict": standing.verdict,
        "load": f"{standing.batch} × {standing.concurrency} callers",
    }
