"""The sections of a variant without curves: figures, missing points, lineage, files, data, and machine."""

from collections.abc import Mapping
from typing import Any

from porting.repository.figures import every_metric, measured_by, metric
from porting.repository.report.section import Section, Table
from porting.repository.report.words import figure_in_words, load_in_words, number
from porting.repository.schema import Accuracy, Details, Published, Standing, Step, TensorSpec
from profiler.records.base import Value
from profiler.records.profile import Profile

MIB, SHOWN_LABELS = 2**20, 10
MISSING = "Missing and unsettled points"


def figures(standing: Standing) -> Section:
    """Every metric with its value, or the reason why it is unknown."""
    note = (
        f"The brackets have the ends of 95 % intervals. The maximal throughput is {standing.verdict}, "
        f"at batch × callers, and use of the cores by others, of {load_in_words(standing)}."
    )
    names = every_metric({*standing.figures, *standing.unknown})
    rows = [(metric(name).meaning, figure_in_words(standing, name)) for name in names]
    return Section("Figures", [note], table=Table(("figure", "value"), rows), wide=True)


def provenance(variant: Published, details: Details, profile: Profile) -> list[Section]:
    """The lineage, identity, input, data and machine, with one section each."""
    machine = plain(profile.fingerprint) | {"memory_bytes": f"{profile.fingerprint.memory_bytes / MIB:,.0f} MiB"}
    return [
        lineage(details.lineage),
        Section("Identity", [], table=Table((), [*identity(variant, details, profile).items()])),
        Section("Input and output", [], table=Table((), [*tensors(details).items()])),
        Section("Data", [], table=Table((), [*data(details).items()])),
        Section("Measured on", [], table=Table((), [*machine.items()])),
    ]


def missing(profile: Profile) -> Section:
    """The planned points without a figure, then the points with another verdict than settled."""
    rows: list[tuple[str, ...]] = [
        (one.point, assigned(one.at, ", "), one.verdict, one.reason, measured_by(profile.level, one))
        for one in profile.missing
    ]
    for point in profile.points():
        verdict = getattr(point, "verdict", "settled")
        if verdict != "settled":
            at = assigned(point.at(), ", ")
            rows.append((type(point).__name__, at, verdict, getattr(point, "verdict_reason", ""), ""))
    if not rows:
        return Section(MISSING, ["None: every planned point has a figure that settled."])
    return Section(MISSING, [], table=Table(("point", "at", "verdict", "reason", "measured by"), rows), wide=True)


def lineage(steps: list[Step]) -> Section:
    """Every stage in order, with the inputs of its result."""
    if not steps:
        return Section("Lineage", ["No step is recorded."], wide=True)
    columns = ("stage", "label", "settings", "versions", "duration, s", "key")
    rows = [
        (one.stage, one.label, assigned(one.settings), assigned(one.versions), number(one.seconds), one.key)
        for one in steps
    ]
    return Section("Lineage", [], table=Table(columns, rows), wide=True)


def identity(variant: Published, details: Details, profile: Profile) -> dict[str, str]:
    """The digests and numbers that identify the variant."""
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
    """The input and the output without their batch axis, the labels, and the preprocessing of a picture."""
    labels, found = details.labels, {"input": tensor(details.input), "output": tensor(details.output)}
    found["labels"] = f"unknown: {details.reasons.get('labels', '')}"
    if labels:
        more = f", … ({len(labels)} in all)" if len(labels) > SHOWN_LABELS else ""
        found["labels"] = ", ".join(labels[:SHOWN_LABELS]) + more
    if details.preprocessing is None:
        return found | {"preprocessing": f"unknown: {details.reasons['preprocessing']}"}
    return found | plain(details.preprocessing)


def tensor(spec: TensorSpec) -> str:
    """The name, shape and type of a tensor."""
    axes = ("open" if axis < 0 else str(axis) for axis in spec.shape)
    return f"{spec.name}: {spec.dtype} [{', '.join(('batch', *axes))}]"


def data(details: Details) -> dict[str, str]:
    """Both accuracies with the data of their evaluation."""
    found = {}
    for split in ("validation", "test"):
        accuracy: Accuracy | None = getattr(details, f"{split}_accuracy")
        if accuracy is None:
            found[f"{split} accuracy"] = f"unknown: {details.reasons[f'{split}_accuracy']}"
        else:
            ends = f"[{accuracy.low:.2%}, {accuracy.high:.2%}]"
            found[f"{split} accuracy"] = f"{accuracy.metric} {accuracy.value:.2%} {ends}, n {accuracy.n}"
            found[f"{split} figure used for"] = "; ".join(accuracy.chosen_by) or "no choice in the lineage"
            found[f"{split} data"] = f"{accuracy.dataset}, split {accuracy.split}"
            found[f"{split} data sha256"] = accuracy.dataset_sha256
    return found


def plain(record: Value) -> dict[str, str]:
    """The fields of a record as texts, or the reasons why they are unknown."""
    values = record.model_dump(mode="json")
    reasons = values.pop("reasons", {})
    return {name: f"unknown: {reasons[name]}" if value is None else one_line(value) for name, value in values.items()}


def assigned(values: Mapping[str, Any], separator: str = "; ") -> str:
    """The names with their values on one line."""
    return separator.join(f"{name} {one_line(value)}" for name, value in values.items()) or "none"


def one_line(value: Any) -> str:
    """A value on one line, with the values that it contains."""
    if isinstance(value, Mapping):
        return f"({assigned(value)})"
    return (", ".join(map(one_line, value)) or "none") if isinstance(value, list | tuple) else str(value)
