"""Hostile repositories: indexes and details."""

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile.door import Inputs, Put
from hostile.files import whole_files
from hostile.repository_made import altered, copied, in_json, the_details, the_index, variant
from hostile.values import DIRTY, HUGE, RAW, WRONG, Json, assign, path_of, replaced

INDEX = ("select", "compare", "plan", "lint", "others")
DETAILS = ("lint", "convert", "verify", "others", "simulate")
OF_INDEX = (
    "schema_version",
    "key",
    "published_at",
    "generator",
    "targets",
    "variants",
    "dropped",
    "variants.0.name",
    "variants.0.version",
    "variants.0.task",
    "variants.0.targets.local_cpu.figures.images_per_s",
    "variants.0.onnx_sha256",
    "targets.local_cpu.cpu_model",
    "variants.0.validation_accuracy.value",
)
OF_DETAILS = (
    "name",
    "task",
    "labels",
    "input",
    "input.shape",
    "output",
    "onnx_sha256",
    "opset",
    "files",
    "profiles",
    "profiles.local_cpu.latency.0.n",
    "profiles.local_cpu.latency.0.batch",
    "profiles.local_cpu.latency.0.mean_ms",
    "profiles.local_cpu.max_throughput.0.answers",
    "profiles.local_cpu.max_throughput.0.images_per_s",
    "profiles.local_cpu.max_throughput.0.batch",
    "profiles.local_cpu.max_throughput.0.concurrency",
    "profiles.local_cpu.target.server_environment",
    "profiles.local_cpu.target.runtime",
    "profiles.local_cpu.key",
    "preprocessing",
    "lineage",
)
ENDLESS = {
    "n": ("latency", "n", 10**18),
    "mean": ("latency", "mean_ms", 1e17),
    "answers": ("max_throughput", "answers", 10**18),
    "rate": ("max_throughput", "images_per_s", 1e-300),
}
LINES: dict[str, Callable[[], bytes]] = {
    "30 million lines": lambda: b'{"\n' * 30_000_000,
    "10^7 brackets": lambda: b"[\n" * 10**7,
    "10^6 of one field": lambda: b"{" + b'"variants": [],\n' * 10**6 + b'"x":1}',
    "10^6 variants": lambda: b'{"variants": [\n' + b'{"name": "a"},\n' * 10**6 + b"{}]}",
}


def index_text(case: Path) -> str:
    return (case / "base" / "repository" / "repository.json").read_text()


def details_text(case: Path) -> str:
    return (variant(case / "base" / "repository") / "variant.json").read_text()


def put_index(put: Put) -> Put:
    def both(case: Path) -> None:
        (copied(case) / "repository.json").unlink()
        put(case)

    return both


def put_details(name: str) -> Put:
    """The faults of any text of JSON, in the place of the first variant's details."""

    def both(case: Path) -> None:
        place = variant(copied(case))
        (place / "variant.json").unlink()
        whole_files(details_text, "repository", place.name, "variant.json")[name](case)

    return both


def raw_figure(raw: str) -> Put:
    """A figure that no writer of JSON makes."""

    def change(root: Path) -> None:
        text = the_index(root).read_text()
        the_index(root).write_text(re.sub(r'"images_per_s": ?\[[^,]*', f'"images_per_s":[{raw}', text, count=1))

    return altered(change, fitting=True)


def index_of(make: Callable[[], bytes]) -> Put:
    return altered(lambda root: the_index(root).write_bytes(make()))


def replacing(path: tuple[Any, ...], new: Json) -> Callable[[Json], Json]:
    return lambda value: replaced(value, path, new)


def with_text(change: Callable[[Json, str], object], text: str) -> Callable[[Json], Json]:
    return lambda value: change(value, text)


def every_point(part: str, field: str, new: Json) -> Callable[[Json], None]:
    """The same figure in every point of a part."""

    def change(value: Json) -> None:
        for point in value["profiles"]["local_cpu"][part]:
            point[field] = new

    return change


def whole() -> Inputs:
    for name, put in whole_files(index_text, "repository", "repository.json").items():
        yield f"index: {name}", put_index(put), *INDEX
    for name in whole_files(details_text, "x"):
        yield f"details: {name}", put_details(name), *DETAILS
    for name, make in LINES.items():
        yield f"index: {name}", index_of(make), *INDEX


def values() -> Inputs:
    chance = random.Random(24)
    for fields, where, commands, what in (
        (OF_INDEX, the_index, INDEX, "index"),
        (OF_DETAILS, the_details, DETAILS, "details"),
    ):
        for field in fields:
            path = path_of(field)
            for new in (*chance.sample(HUGE, 2), *chance.sample(WRONG, 1)):
                yield f"{what}: {field} = {str(new)[:20]!r}", in_json(where, replacing(path, new)), *commands
    for raw in RAW:
        yield f"index: images_per_s = {raw[:12]}", raw_figure(raw), *INDEX
    for name, point in ENDLESS.items():
        yield f"details: an endless {name}", in_json(the_details, every_point(*point)), "verify", "others"


def texts() -> Inputs:
    for name, text in DIRTY.items():
        changes: dict[str, tuple[Callable[[Path], Path], Callable[[Json, str], object], tuple[str, ...]]] = {
            "index: target's CPU": (the_index, set_cpu, INDEX),
            "details: label": (the_details, lambda value, new: value["labels"].__setitem__(0, new), DETAILS),
            "index: generator": (the_index, lambda value, new: assign(value, ("generator",), new), INDEX),
        }
        for what, (where, change, commands) in changes.items():
            yield f"{what} {name}", in_json(where, with_text(change, text[:3000])), *commands


def set_cpu(value: Json, new: str) -> None:
    assign(value, ("targets", "local_cpu", "cpu_model"), new)
