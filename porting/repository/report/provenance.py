"""Where a variant comes from: figures, lineage, files, data, and the machine that it was measured on."""

from collections.abc import Mapping
from typing import Any

from porting.repository.figures import METRICS
from porting.repository.report.section import Section, Table
from porting.repository.report.words import number, said
from porting.repository.schema import Accuracy, Details, Published, Standing, Step, TensorSpec
from profiler.records.base import Value
from profiler.records.profile import Profile

MIB = 2**20


def figures(standing: Standing) -> Section:
    """Every metric with its value, or why it is unknown."""
    note = (
        f"In brackets are the ends of 95 % intervals. The maximal throughput is {standing.verdict}, "
        f"at batch {standing.batch} × {standing.concurrency} callers."
    )
    rows = [(metric.meaning, said(standing, name)) for name, metric in METRICS.items()]
    return Section("Figures", [note], table=Table(("figure", "value"), rows), wide=True)


def provenance(variant: Published, details: Details, profile: Profile) -> list[Section]:
    """Lineage, identity, input, data and machine, a section each."""
    return [
        lineage(details.lineage),
        Section("Identity", [], table=pairs(identity(variant, details, profile))),
        Section("Input and output", [], table=pairs(tensors(details))),
        Section("Data", [], table=pairs(data(details))),
        Section("Measured on", [], table=pairs(machine(profile))),
    ]


def lineage(steps: list[Step]) -> Section:
    """Every stage in order, with all that decided its result."""
    if not steps:
        return Section("Lineage", ["No step is recorded."], wide=True)
    columns = ("stage", "label", "settings", "versions", "took, s", "key")
    rows = [
        (one.stage, one.label, listed(one.settings), listed(one.versions), number(one.seconds), one.key)
        for one in steps
    ]
    return Section("Lineage", [], table=Table(columns, rows), wide=True)


def identity(variant: Published, details: Details, profile: Profile) -> dict[str, str]:
    """The digests and numbers that say which variant it is."""
    return {
        "parent": variant.parent or f"none: {variant.reasons['parent']}",
        "technique": " → ".join(variant.technique) or "none",
        "backbone": details.backbone,
        "precision": details.precision,
        "valid on": details.valid_on,
        "Triton version": str(variant.version),
        "ONNX opset": str(details.opset),
        "ONNX sha256": details.onnx_sha256,
        "variant.json sha256": variant.details_sha256,
        "profile key": profile.key,
        "measured at": f"{profile.measured_at:%Y-%m-%d %H:%M UTC} in {profile.seconds:.0f} s, level {profile.level}",
    }


def tensors(details: Details) -> dict[str, str]:
    """Both tensors without their batch axis, the labels, and what leads from a picture to the input."""
    found = {"input": tensor(details.input), "output": tensor(details.output)}
    found["labels"] = shortened(details.labels) if details.labels else f"unknown: {details.reasons.get('labels', '')}"
    if details.preprocessing is None:
        return found | {"preprocessing": f"unknown: {details.reasons['preprocessing']}"}
    return found | plain(details.preprocessing)


def tensor(spec: TensorSpec) -> str:
    """The name, shape and type of a tensor."""
    axes = ("open" if axis < 0 else str(axis) for axis in spec.shape)
    return f"{spec.name}: {spec.dtype} [{', '.join(('batch', *axes))}]"


def shortened(labels: list[str], most: int = 10) -> str:
    """The first labels, and how many there are."""
    more = f", … ({len(labels)} in all)" if len(labels) > most else ""
    return ", ".join(labels[:most]) + more


def data(details: Details) -> dict[str, str]:
    """What both accuracies were evaluated on."""
    found = {}
    for split in ("validation", "test"):
        accuracy: Accuracy | None = getattr(details, f"{split}_accuracy")
        if accuracy is None:
            found[f"{split} accuracy"] = f"unknown: {details.reasons[f'{split}_accuracy']}"
        else:
            ends = f"[{accuracy.low:.2%}, {accuracy.high:.2%}]"
            found[f"{split} accuracy"] = f"{accuracy.metric} {accuracy.value:.2%} {ends}, n {accuracy.n}"
            found[f"{split} data"] = f"{accuracy.dataset}, split {accuracy.split}"
            found[f"{split} data sha256"] = accuracy.dataset_sha256
    return found


def machine(profile: Profile) -> dict[str, str]:
    """The fingerprint, field by field."""
    found = plain(profile.fingerprint)
    return found | {"memory_bytes": f"{profile.fingerprint.memory_bytes / MIB:,.0f} MiB"}


def plain(record: Value) -> dict[str, str]:
    """A record's fields as they are called."""
    values = record.model_dump(mode="json")
    reasons = values.pop("reasons", {})
    return {name: f"unknown: {reasons[name]}" if value is None else one_line(value) for name, value in values.items()}


def listed(values: Mapping[str, Any]) -> str:
    """The names with their values on one line."""
    return "; ".join(f"{name} {one_line(value)}" for name, value in values.items()) or "none"


def one_line(value: Any) -> str:
    """A value on one line, nested ones too."""
    if isinstance(value, Mapping):
        return f"({listed(value)})"
    return (", ".join(map(one_line, value)) or "none") if isinstance(value, list | tuple) else str(value)


def pairs(values: Mapping[str, str]) -> Table:
    """A table of names and values."""
    return Table((), list(values.items()))
