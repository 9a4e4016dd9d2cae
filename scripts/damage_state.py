"""The state after a command as values: the records, the publication, profiles, and the command's own output."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watched_commands import Seen

# These values differ between two measurements.
TIMES = re.compile(r"\d+(?:[.,]\d+)* (?:ms|s|images/s)\b|\d+(?:\.\d+)?e?[-+]?\d* ?%")
FIXED = ("complexity", "layers", "onnx_sha256", "key", "target", "target_name", "fingerprint")
# This value replaces the content of the damaged file while it is damaged.
DAMAGED = "damaged"
# These values of an index follow from the time of its writing: the seal and the report's digest have the date too.
OF_ITS_DATE = ("published_at", "seal", "files")
MEASURED = ("latency", "throughput", "max_throughput")
Json = Any


@dataclass(frozen=True)
class State:
    """The values of a state; `values` are equal after each run, and `exact` only where nothing was made again.

    `broken` names the existing files with a fault, and `points` has every measured point of each profile.
    """

    values: dict[str, Json]
    exact: dict[str, Json]
    broken: list[str]
    points: dict[str, list[str]]


def state_of(case: Path, seen: Seen, skipped: Path | None) -> State:
    """The whole state; the file `skipped` is the damaged one, which is no outcome while it is damaged."""
    values: dict[str, Json] = {}
    exact: dict[str, Json] = {"output": plain(seen.out, case), "answer": seen.answer, "files": written(case)}
    broken: list[str] = []
    measured: dict[str, list[str]] = {}
    for path in sorted(case.glob("*/tasks/*/variants/*/variant.json")):
        if path == skipped or (record := read(path)) is not None:
            values[f"record {place(path.parent, case)}"] = DAMAGED if path == skipped else of_record(record)
    if skipped is not None and skipped.name == "variant.json" and skipped.is_relative_to(case / "base" / "tasks"):
        # This includes a missing record.
        values[f"record {place(skipped.parent, case)}"] = DAMAGED
    for path in profiles(case):
        if path == skipped:
            values[f"profile {place(path, case)}"] = DAMAGED
            continue
        profile = read(path)
        if profile is None:
            broken.append(place(path, case))
            continue
        values[f"profile {place(path, case)}"] = {name: profile.get(name) for name in FIXED}
        measured[place(path, case)] = points(profile)
    for root in sorted(case.glob("*/repository")):
        if root.parent.name != "other":
            add_published(root, case, skipped, values, exact, broken)
    return State(values, exact, broken, measured)


def points_of(case: Path) -> dict[str, list[str]]:
    """Every measured point of the existing profiles."""
    found = {place(path, case): read(path) for path in profiles(case)}
    return {name: points(profile) for name, profile in found.items() if profile is not None}


def points(profile: Json) -> list[str]:
    return [json.dumps(one, sort_keys=True) for name in MEASURED for one in profile[name]]


def profiles(case: Path) -> Iterator[Path]:
    yield from sorted(case.glob("*/tasks/*/variants/*/profiles/*.json"))
    yield from (path for path in (case / "box" / "profile.json", case / "cwd" / "new.json") if path.exists())


def of_record(record: Json) -> Json:
    """The name and all values that follow from the recipe, without durations."""
    network, onnx = record.get("network") or {}, record.get("onnx") or {}
    accuracies = [onnx.get("validation_accuracy"), onnx.get("test_accuracy")]
    return [record.get("name"), record.get("key"), network.get("sha256"), onnx.get("sha256"),
            onnx.get("program_sha256"), accuracies]  # fmt: skip


def add_published(
    root: Path, case: Path, skipped: Path | None, values: dict[str, Json], exact: dict[str, Json], broken: list[str]
) -> None:
    """Adds the index, the details, and whether every file has the digest of the details."""
    name, index = place(root, case), read(root / "repository.json")
    if skipped in (root, root.resolve() / "repository.json"):
        values[f"published {name}"] = exact[f"index {name}"] = DAMAGED
        return
    if index is None:
        values[f"published {name}"] = None
        return
    everything = [*index.get("variants", []), *index.get("dropped", [])]
    values[f"published {name}"] = sorted([one.get("name"), one.get("onnx_sha256")] for one in everything)
    exact[f"index {name}"] = {key: value for key, value in index.items() if key not in OF_ITS_DATE}
    for variant in (one.get("name") for one in index.get("variants", [])):
        details = read(root / str(variant) / "variant.json")
        if skipped == root.resolve() / str(variant) / "variant.json":
            exact[f"details {name} {variant}"] = DAMAGED
            continue
        exact[f"details {name} {variant}"] = details
        for path, digest in ((details or {}).get("files") or {}).items():
            file = root / str(variant) / path
            real = file.resolve()
            if real != (skipped and skipped.resolve()) and (not real.is_file() or sha256(real) != digest):
                broken.append(place(file, case))


def read(path: Path) -> Json:
    """The record, or `None` where it cannot be read."""
    try:
        return json.loads(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError):
        return None


def written(case: Path) -> dict[str, str]:
    """The text files that a command wrote into its working directory."""
    found = {}
    for path in sorted((case / "cwd").rglob("*")):
        if path.is_file() and path.suffix in (".json", ".yaml", ".txt", ".csv") and path.name not in VARYING:
            found[path.relative_to(case).as_posix()] = plain(path.read_text(errors="replace"), case)
    return found


VARYING = ("new.json", "outcome.json", "journal.jsonl")


def plain(text: str, case: Path) -> str:
    """The text without the folder of the case and without times."""
    return TIMES.sub("#", text.replace(str(case), "CASE"))


def place(path: Path, case: Path) -> str:
    return path.relative_to(case).as_posix()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
