"""`report.html`: one file with the frontier, the tables, and what is known of every published variant."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from porting.repository.curves.chapter import Chapter, chapter
from porting.repository.figure import frontier_svg, panels
from porting.repository.schema import Accuracy, Details, Index, Standing, Summary
from profiler.records.fingerprint import Fingerprint
from profiler.records.throughput import ThroughputPoint

TEMPLATE = Path(__file__).with_name("report.html.jinja")
COLUMNS = [
    "variant",
    "accuracy (validation)",
    "accuracy (test)",
    "parameters",
    "FLOPs",
    "file, KiB",
    "p50 at batch 1, ms",
    "images/s",
    "batch × callers",
    "verdict",
]


@dataclass(frozen=True)
class Row:
    """One line of a table, as text."""

    name: str
    on_frontier: bool
    validation: str
    validation_interval: str
    test: str
    parameters: str
    flops: str
    file_kib: str
    latency: str
    throughput: str
    raw_throughput: str
    load: str
    verdict: str
    standing: str


@dataclass(frozen=True)
class Panel:
    """One task on one target."""

    task: str
    target: str
    machine: str
    rows: list[Row]


def render_report(index: Index, details: Iterable[Details]) -> str:
    """The report as one self-contained HTML text; `details` has every published variant, and may have others."""
    from jinja2 import Environment

    by_name = {one.name: one for one in details}
    template = Environment(autoescape=True).from_string(TEMPLATE.read_text())
    return template.render(
        title="Frontier of " + ", ".join(sorted({variant.task for variant in index.variants})),
        generator=index.generator,
        published_at=index.published_at.strftime("%Y-%m-%d %H:%M UTC"),
        published=len(index.variants),
        dropped=len(index.dropped),
        columns=COLUMNS,
        svg=frontier_svg(index),
        chapters=[(panel(index, *which), chapter_of(index, by_name, *which)) for which in panels(index)],
    )


def chapter_of(index: Index, details: Mapping[str, Details], task: str, target: str) -> Chapter:
    """What the details say of a task on a target."""
    found = members(index, task, target)
    profiles = {one.name: details[one.name].profiles[target] for one, _ in found if one.name in details}
    return chapter(found, profiles)


def members(index: Index, task: str, target: str) -> list[tuple[Summary, Standing]]:
    """The variants of a task that were measured on a target, the most accurate first."""
    found = [v for v in (*index.variants, *index.dropped) if v.task == task and target in v.targets]
    found.sort(key=lambda v: v.validation_accuracy.value if v.validation_accuracy else -1.0, reverse=True)
    return [(variant, variant.targets[target]) for variant in found]


def panel(index: Index, task: str, target: str) -> Panel:
    """The table of one task on one target."""
    rows = [row(variant, standing) for variant, standing in members(index, task, target)]
    return Panel(task, target, describe(index.targets[target]), rows)


def describe(machine: Fingerprint) -> str:
    """A fingerprint in words."""
    runtime = f"{machine.runtime} {machine.runtime_version or ''}".strip()
    return (
        f"{machine.cpu_model}, {machine.cpu_cores} cores, {machine.memory_bytes / 2**30:.1f} GiB, {machine.system}; "
        f"{runtime} with its {machine.backend_kind} backend, ONNX Runtime {machine.onnxruntime_version or 'unknown'}, "
        f"{machine.cores} core(s), {machine.threads} thread(s), {machine.instances} instance(s)"
    )


def row(variant: Summary, standing: Standing) -> Row:
    best, accuracy = standing.max_throughput, variant.validation_accuracy
    return Row(
        name=variant.name,
        on_frontier=standing.on_frontier,
        validation=percent(accuracy),
        validation_interval=f"{accuracy.low:.2%} … {accuracy.high:.2%}, n {accuracy.n}" if accuracy else "",
        test=percent(variant.test_accuracy),
        parameters=f"{standing.complexity.parameters:,}",
        flops="unknown" if standing.complexity.flops is None else f"{standing.complexity.flops:,}",
        file_kib=f"{standing.complexity.file_bytes / 1024:.1f}",
        latency=f"{standing.latency_batch_1_p50_ms:.3f}" if standing.latency_batch_1_p50_ms else "unknown",
        throughput=interval(best),
        raw_throughput=f"{best.images_per_s:,.0f}",
        load=f"{best.batch} × {best.concurrency}",
        verdict=best.verdict,
        standing=place_in_words(variant, standing),
    )


def percent(accuracy: Accuracy | None) -> str:
    return f"{accuracy.value:.2%}" if accuracy else "unknown"


def interval(best: ThroughputPoint) -> str:
    """The corrected throughput with its interval."""
    text = f"{best.corrected_images_per_s:,.0f}"
    if best.corrected_low_images_per_s is None or best.corrected_high_images_per_s is None:
        return text
    return f"{text} [{best.corrected_low_images_per_s:,.0f}, {best.corrected_high_images_per_s:,.0f}]"


def place_in_words(variant: Summary, standing: Standing) -> str:
    """On the frontier, or why not."""
    if not standing.on_frontier:
        return f"no: dominated by {standing.dominated_by}"
    if variant.validation_accuracy is None:
        return "yes: its accuracy is unknown, so nothing can dominate it"
    return f"yes, tied with {', '.join(standing.ties_with)}" if standing.ties_with else "yes"
