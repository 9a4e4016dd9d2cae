"""Hostile profiles, with their samples."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from watched_commands import Command

from hostile.door import IN_PROCESS, UNTRACKED, Door, Inputs, Put, fitting, inside, profiler, words
from hostile.files import special_files, whole_files
from hostile.samples import SAMPLES
from hostile.values import DIRTY, HUGE, RAW, WRONG, Json, path_of, replaced

READERS = ("adopt", "profiler goes on")
FIELDS = (
    "schema_version",
    "key",
    "level",
    "target_name",
    "onnx_sha256",
    "seconds",
    "measured_at",
    "missing",
    "parts",
    "latency",
    "throughput",
    "max_throughput",
    "layers",
    "complexity",
    "fingerprint",
    "target",
    "reasons",
    "reference",
    "reference.per_s",
    "reference.drift_sd_share",
    "served_reference",
    "visits",
    "latency.0.n",
    "latency.0.mean_ms",
    "latency.0.p50_ms",
    "latency.0.batch",
    "latency.0.input_shape",
    "latency.0.relative_p50",
    "max_throughput.0.answers",
    "max_throughput.0.images_per_s",
    "max_throughput.0.batch",
    "max_throughput.0.concurrency",
    "max_throughput.0.relative_throughput",
    "max_throughput.0.visits",
    "max_throughput.0.blocks",
    "complexity.parameters",
    "fingerprint.cpu_model",
    "fingerprint.cpu_cores",
    "target.server_environment",
    "target.endpoint",
)


def adopted(case: Path) -> Path:
    """The case with the hostile profile in the place where `adopt` puts it."""
    source, name = case / "in" / "profile.json", "local_cpu"
    if source.is_file() and source.stat().st_size < 1 << 28:
        measured = (case / "box" / "model.onnx").read_bytes()
        files = (case / "base").glob("tasks/*/variants/*/model.onnx")
        (variant,) = (path.parent for path in files if path.read_bytes() == measured)
        (variant / "profiles" / f"{name}.json").write_bytes(source.read_bytes())
    return case


def laid_profile(case: Path, profile: Json, samples: bytes | None = None) -> None:
    inside(case, "profile.json").write_text(profile if isinstance(profile, str) else fitting(profile))
    own = (case / "box" / "profile.npz").read_bytes()
    inside(case, "profile.npz").write_bytes(own if samples is None else samples)


def good_profile(case: Path) -> Json:
    return json.loads((case / "box" / "profile.json").read_text())


def altered(path: Sequence[Any], new: Json, raw: str = "") -> Put:
    """The good profile with another value in a place; `raw` is a text that no writer of JSON makes."""

    def put(case: Path) -> None:
        changed = replaced(good_profile(case), tuple(path), "RAW" if raw else new)
        laid_profile(case, json.dumps(changed).replace('"RAW"', raw) if raw else changed)

    return put


def with_samples(make: Callable[[], bytes]) -> Put:
    return lambda case: laid_profile(case, good_profile(case), make())


def without_samples(put: Put) -> Put:
    """A special file in the place of the samples."""

    def both(case: Path) -> None:
        laid_profile(case, good_profile(case))
        inside(case, "profile.npz").unlink()
        put(case)

    return both


def many_points(case: Path) -> None:
    profile = good_profile(case)
    laid_profile(case, replaced(profile, ("latency",), profile["latency"][:1] * 100_000))


def records() -> Inputs:
    for name, put in whole_files(lambda case: fitting(good_profile(case)), "profile.json").items():
        yield name, put, *READERS
    chance = random.Random(21)
    for field in FIELDS:
        for new in (*chance.sample(HUGE, 2), *chance.sample(WRONG, 2)):
            yield f"{field} = {str(new)[:24]!r}", altered(path_of(field), new)
    for raw in RAW:
        yield f"mean_ms = {raw[:12]}", altered(("latency", 0, "mean_ms"), None, raw)
    for name, text in DIRTY.items():
        yield f"cpu_model: {name}", altered(("fingerprint", "cpu_model"), text[:10_000])
        yield f"layer's name: {name}", altered(("layers", 0, "name"), text[:10_000])
    yield "10^5 points", many_points


def samples() -> Inputs:
    for name, make in SAMPLES.items():
        yield f"samples: {name}", with_samples(make)
    for name, put in special_files("profile.npz").items():
        yield f"samples: {name}", without_samples(put), *READERS


door = Door(
    "profile",
    lambda case: laid_profile(case, json.loads((case / "box" / "profile.json").read_text())),
    {
        "adopt": words("adopt", "{case}/in/profile.json", "--workspace", "{case}/base"),
        "profiler goes on": profiler("box/model.onnx", output="in/profile.json"),
        "adopt and publish": lambda case: Command(
            ["stage=publish", UNTRACKED, IN_PROCESS, f"workspace={adopted(case) / 'base'}"]
        ),
    },
    parts=("base", "box"),
)
door.add_all(records())
door.add_all(samples())
