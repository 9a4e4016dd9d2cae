"""`report.html`: one file with the frontier, the tables, and what is known of every published variant."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from porting.repository.report.chapter import Chapter, chapter
from porting.repository.report.chart_data import chart_data
from porting.repository.report.members import Member, members, panels
from porting.repository.report.provenance import figures, provenance
from porting.repository.report.ranking_table import RankingTable, ranking_table
from porting.repository.report.section import Section
from porting.repository.report.sheet import sheet
from porting.repository.schema import Details, Index, Published, Standing
from profiler.records.complexity import Fingerprint

HERE = Path(__file__).parent
TEMPLATE, STYLE = HERE / "report.html.jinja", HERE / "report.css"
SCRIPTS = [HERE / "script" / f"{name}.js" for name in ("scale", "chart", "choice", "frontier", "shown", "page")]


@dataclass(frozen=True)
class Fold:
    """All that is known of one published variant on one target."""

    id: str
    variant: str
    summary: str
    sections: list[Section]


@dataclass(frozen=True)
class Part:
    """All that the page has of one task on one target."""

    task: str
    target: str
    machine: str
    table: RankingTable
    chapter: Chapter
    folds: list[Fold]


def render_report(index: Index, details: Iterable[Details], picture: str) -> str:
    """The report as one self-contained HTML text; `details` has every published variant, and may have others.

    `picture` is the frontier as SVG, for a page whose script does not run. The page's policy lets no script run but
    its own, and nothing be loaded from anywhere.
    """
    from jinja2 import Environment

    by_name = {one.name: one for one in details}
    script = "".join(one.read_text() for one in SCRIPTS)
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    # The order of the metrics is that of their importance.
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "separators": (",", ":"), "ensure_ascii": False}
    return environment.from_string(TEMPLATE.read_text()).render(
        title="Frontier of " + ", ".join(sorted({variant.task for variant in index.variants})),
        index=index,
        published_at=index.published_at.strftime("%Y-%m-%d %H:%M UTC"),
        data=chart_data(index),
        picture=picture,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=STYLE.read_text(),
        parts=[part(index, by_name, task, target) for task, target in panels(index)],
    )


def part(index: Index, details: Mapping[str, Details], task: str, target: str) -> Part:
    """One task on one target."""
    found = members(index, task, target)
    profiles = {one.name: details[one.name].profiles[target] for one, _ in found if one.name in details}
    return Part(
        task=task,
        target=target,
        machine=describe(index.targets[target]),
        table=ranking_table(found),
        chapter=chapter(found, profiles),
        folds=list(folds(found, details, target)),
    )


def folds(found: Iterable[Member], details: Mapping[str, Details], target: str) -> Iterable[Fold]:
    """One for each published variant, in their order."""
    for variant, standing in found:
        if isinstance(variant, Published):
            yield fold(variant, standing, details[variant.name], target)


def fold(variant: Published, standing: Standing, details: Details, target: str) -> Fold:
    """Its figures, its curves, and where it comes from."""
    profile = details.profiles[target]
    sections = [figures(standing), *sheet(profile), *provenance(variant, details, profile)]
    summary = f"level {profile.level}, measured {profile.measured_at:%Y-%m-%d %H:%M UTC} in {profile.seconds:.0f} s"
    return Fold(f"{variant.name}-{target}", variant.name, summary, sections)


def describe(machine: Fingerprint) -> str:
    """A fingerprint in words."""
    runtime = f"{machine.runtime} {machine.runtime_version or ''}".strip()
    return (
        f"{machine.cpu_model}, {machine.cpu_cores} cores, {machine.memory_bytes / 2**30:.1f} GiB, {machine.system}; "
        f"{runtime} with its {machine.backend_kind} backend, ONNX Runtime {machine.onnxruntime_version or 'unknown'}, "
        f"{machine.cores} core(s), {machine.threads} thread(s), {machine.instances} instance(s)"
    )
