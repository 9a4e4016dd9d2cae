"""`report.html`: one file with the frontier, the tables, and the sections of every published variant."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from porting.repository.report.by_class import by_class
from porting.repository.report.by_layer import layers
from porting.repository.report.chart_data import chart_data
from porting.repository.report.latency import latency
from porting.repository.report.load import load
from porting.repository.report.loading import energy, loading, memory
from porting.repository.report.over_time import repeats, warm_up
from porting.repository.report.provenance import figures, missing, provenance
from porting.repository.report.ranking_table import RankingTable, members, ranking_table, tasks_and_targets
from porting.repository.report.section import Section, Table
from porting.repository.report.sizes import sizes
from porting.repository.report.throughput import by_cores, contention, over_variants, throughput
from porting.repository.report.trust import correlations, trust
from porting.repository.schema import Details, Index, Published, Standing
from profiler.records.complexity import Fingerprint
from profiler.records.profile import Profile

HERE = Path(__file__).parent
TEMPLATE, STYLE = HERE / "report.html.jinja", HERE / "report.css"
SCRIPTS = [HERE / "script" / f"{name}.js" for name in ("scale", "chart", "choice", "frontier", "shown", "page")]
# The sections of a profile, in the order of the page.
SECTIONS: tuple[Callable[[Profile], Section], ...] = (
    latency, layers, throughput, warm_up, load, repeats, by_cores, sizes, contention, loading, memory, energy, missing,
)  # fmt: skip


@dataclass(frozen=True)
class VariantReport:
    """The sections of one published variant on one target."""

    id: str
    variant: str
    summary: str
    sections: list[Section]


@dataclass(frozen=True)
class Ranking:
    """The content of the page for one task on one target."""

    task: str
    target: str
    machine: str
    table: RankingTable
    trust: list[Section]
    correlations: Table
    factors: Table
    variants: list[VariantReport]


def render_report(index: Index, details: Iterable[Details], picture: str) -> str:
    """The report as one self-contained HTML text; `details` has at least every published variant.

    `picture` is the frontier as SVG, for a browser that does not run the script. The content security policy of the
    page allows no script but its own and no loads.
    """
    from jinja2 import Environment

    by_name = {one.name: one for one in details}
    script = "".join(one.read_text() for one in SCRIPTS)
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    # The metrics keep their order, which is that of their importance.
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
        rankings=[ranking(index, by_name, task, target) for task, target in tasks_and_targets(index)],
    )


def ranking(index: Index, details: Mapping[str, Details], task: str, target: str) -> Ranking:
    """The content for one task on one target."""
    found = members(index, task, target)
    return Ranking(
        task=task,
        target=target,
        machine=machine_in_words(index.targets[target]),
        table=ranking_table(found),
        trust=trust(found),
        correlations=correlations([standing for _, standing in found]),
        factors=over_variants(details[one.name].profiles[target] for one, _ in found if one.name in details),
        variants=[
            variant_report(variant, standing, details[variant.name], target)
            for variant, standing in found
            if isinstance(variant, Published)
        ],
    )


def variant_report(variant: Published, standing: Standing, details: Details, target: str) -> VariantReport:
    """The figures, the curves and the provenance of a published variant."""
    profile = details.profiles[target]
    curves = [section(profile) for section in SECTIONS]
    sections = [figures(standing), *by_class(details), *curves, *provenance(variant, details, profile)]
    summary = f"level {profile.level}, measured {profile.measured_at:%Y-%m-%d %H:%M UTC} in {profile.seconds:.0f} s"
    return VariantReport(f"{variant.name}-{target}", variant.name, summary, sections)


def machine_in_words(machine: Fingerprint) -> str:
    """A fingerprint in words."""
    runtime = f"{machine.runtime} {machine.runtime_version or ''}".strip()
    return (
        f"{machine.cpu_model}, {machine.cpu_cores} cores, {machine.memory_bytes / 2**30:.1f} GiB, {machine.system}; "
        f"{runtime} with its {machine.backend_kind} backend, ONNX Runtime {machine.onnxruntime_version or 'unknown'}, "
        f"{machine.cores} core(s), {machine.threads} thread(s), {machine.instances} instance(s)"
    )
