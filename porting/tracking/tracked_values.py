"""The values of a variant in MLflow: its figures, its settings, and its place on the frontier, each under a key."""

import json
from collections import Counter
from collections.abc import Mapping

from pydantic import JsonValue

from porting.repository.figures import AT_DEADLINE, BATCHES, figures, rounded
from porting.repository.report.words import display, figure_in_words, load_in_words, place_in_words
from porting.repository.schema import Summary
from porting.workspace.records import Variant
from profiler.records.profile import Profile

# Figures that are equal on all targets.
OF_THE_FILE = ("parameters", "flops", "file_bytes")
# The figures that decide a place on the frontier, and those of single requests.
DECIDING = ("accuracy", "images_per_s", "relative_throughput", "single_images_per_s", "p50_ms")
# Figures of the answers by class, which have the split in their key.
BY_CLASS = ("balanced_accuracy", "macro_f1", "calibration_error")


def tracked_figures(variant: Variant, profiles: dict[str, Profile]) -> dict[str, float]:
    """The figures of a variant by key: `<target>/<name>`, with the names of the index."""
    found: dict[str, float] = {}
    accuracies = () if variant.onnx is None else (variant.onnx.validation_accuracy, variant.onnx.test_accuracy)
    for accuracy in accuracies:
        if accuracy is not None:
            found[f"accuracy/{accuracy.split}"] = accuracy.value
    for one in variant.onnx.by_class if variant.onnx else ():
        for name in BY_CLASS:
            if (share := getattr(one, name)) is not None:
                found[f"{name}/{one.split}"] = share
    for target, profile in profiles.items():
        best = profile.best_throughput()
        # Two variants with different best batches are comparable at each batch.
        for point in profile.own(profile.max_throughput):
            found[f"{target}/images_per_s at batch {point.batch}"] = rounded(point.images_per_s)
        for name, (value, _, _) in figures(None, profile)[0].items():
            found[tracked_key(target, name, best.batch if best else 0)] = value
    return found


def tracked_key(target: str, name: str, best_batch: int) -> str:
    """The key of a figure on a target, with its batch: `<target>/<name> at batch <batch>`."""
    if name in OF_THE_FILE:
        return name
    batch = BATCHES.get(name, 1 if AT_DEADLINE.fullmatch(name) else None)
    return f"{target}/{name}" if batch is None else f"{target}/{name} at batch {batch or best_batch}"


def hyper_parameters(variant: Variant) -> dict[str, str]:
    """Every setting of the lineage by `<stage>.<setting>`; a stage that comes again has its number in the name."""
    found: dict[str, str] = {}
    times = Counter[str]()
    for step in variant.lineage:
        times[step.stage] += 1
        stage = step.stage if times[step.stage] == 1 else f"{step.stage} {times[step.stage]}"
        found |= {f"{stage}.{name}": text for name, text in flattened(step.settings).items()}
    return found


def flattened(values: Mapping[str, JsonValue]) -> dict[str, str]:
    """The values inside sections by their names with points."""
    found: dict[str, str] = {}
    for name, value in values.items():
        inner = flattened(value) if isinstance(value, dict) else None
        found |= {f"{name}.{key}": text for key, text in inner.items()} if inner else {name: json.dumps(value)}
    return found


def places(variant: Summary) -> dict[str, str]:
    """Whether the variant is on the frontier of each target, and the figures that decide it.

    MLflow sorts capital letters first, so a comparison of two runs begins with the answer.
    """
    found = {}
    for target, standing in variant.targets.items():
        figures = "; ".join(f"{display(name).label} {figure_in_words(standing, name)}" for name in DECIDING)
        found[f"Frontier/{target}"] = place_in_words(variant, standing)
        found[f"Frontier/{target}/why"] = f"{figures}; {load_in_words(standing)}"
    return found
