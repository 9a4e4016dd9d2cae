"""Writing a repository: a whole folder beside the old one, then one link that changes its aim."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from porting.files import digest, remove, sha256, whole_folder
from porting.repository.figure import draw_frontier
from porting.repository.frontier import Candidate, Metric, Place, places
from porting.repository.reader import DETAILS, INDEX, Repository
from porting.repository.report import render_report
from porting.repository.schema import Details, Index, Published, Standing, Summary
from profiler.errors import BadInputError
from profiler.records import Fingerprint, Profile
from profiler.session import Tensor
from profiler.triton.config import ServingSettings, model_config, to_text
from profiler.triton.model import MAX_BATCH

SCHEMA, REPORT, FIGURE = "repository.schema.json", "report.html", "frontier.png"


@dataclass(frozen=True)
class Item:
    """A candidate for publication: its details, its place in its family, and its ONNX file."""

    details: Details
    parent: str | None
    technique: list[str]
    onnx: Path


def repository_key(items: Sequence[Item]) -> str:
    """The hash of what is to be published, whenever that is."""
    return digest([version("dnn-porting"), *(item.details.model_dump(mode="json") for item in items)])


def publish(root: Path, items: Sequence[Item]) -> Repository:
    """Replaces the repository at `root` whole; raises `BadInputError` where `root` is somebody else's folder."""
    if root.exists() and not root.is_symlink():
        raise BadInputError(f"{root} is a folder that this program did not write: move it away")
    key = repository_key(items)
    previous = readable(root)
    targets = fingerprints(items)
    ranks = {target: ranked(items, target) for target in targets}
    with whole_folder(root.parent / f".repository-{key[:12]}") as folder:
        published, dropped = [], []
        for item in items:
            summary = summarise(item, ranks)
            if any(standing.on_frontier for standing in summary.targets.values()):
                published.append(write_variant(folder, item, summary, previous))
            else:
                dropped.append(summary)
        index = Index(
            key=key,
            generator=f"dnn-porting {version('dnn-porting')}",
            published_at=datetime.now(UTC),
            targets=targets,
            variants=published,
            dropped=dropped,
        )
        (folder / INDEX).write_text(index.model_dump_json(indent=1))
        schema = {"index": Index.model_json_schema(), "details": Details.model_json_schema()}
        (folder / SCHEMA).write_text(json.dumps(schema, indent=1))
        draw_frontier(index, folder / FIGURE)
        (folder / REPORT).write_text(render_report(index))
    swap(root, root.parent / f".repository-{key[:12]}")
    return Repository.load(root)


def readable(root: Path) -> Repository | None:
    """The repository at `root`, `None` where there is none or it is broken: then it is written anew."""
    try:
        return Repository.load(root)
    except BadInputError:
        return None


def is_whole(repository: Repository) -> bool:
    """Whether every file that the index speaks of is there and is the one it speaks of."""
    for variant in repository.variants:
        folder = repository.root / variant.name
        files = {DETAILS: variant.details_sha256, f"{variant.version}/model.onnx": variant.onnx_sha256}
        for name, expected in files.items():
            if not (folder / name).is_file() or sha256(folder / name) != expected:
                return False
    return True


def fingerprints(items: Sequence[Item]) -> dict[str, Fingerprint]:
    """Each target's fingerprint; raises `BadInputError` where one name stands for two machines."""
    found: dict[str, Fingerprint] = {}
    for item in items:
        for target, profile in item.details.profiles.items():
            if found.setdefault(target, profile.fingerprint) != profile.fingerprint:
                raise BadInputError(
                    f"target {target} was measured on different machines or settings ({item.details.name} differs): "
                    f"profile all variants again with stage=profile target={target}"
                )
    return found


def ranked(items: Sequence[Item], target: str) -> dict[str, Place]:
    """Every variant's place on one target, among those of its own task that were evaluated on the same data."""
    groups: dict[tuple[str, str], list[Candidate]] = {}
    for item in items:
        details = item.details
        if target in details.profiles:
            accuracy = details.validation_accuracy
            comparable = details.task, accuracy.dataset_sha256 if accuracy else ""
            candidate = Candidate(details.name, metrics(details, details.profiles[target]))
            groups.setdefault(comparable, []).append(candidate)
    found: dict[str, Place] = {}
    for group in groups.values():
        found |= places(group)
    return found


def metrics(details: Details, profile: Profile) -> tuple[Metric, ...]:
    """Validation accuracy and drift-corrected maximal throughput; none where the accuracy is unknown."""
    accuracy, best = details.validation_accuracy, profile.max_throughput
    if accuracy is None:
        return ()
    throughput = Metric(best.corrected_images_per_s, best.corrected_low_images_per_s, best.corrected_high_images_per_s)
    return Metric(accuracy.value, accuracy.low, accuracy.high), throughput


def summarise(item: Item, ranks: Mapping[str, Mapping[str, Place]]) -> Summary:
    """The index's entry."""
    details = item.details
    unknown = {"parent": None if item.parent else "its lineage begins here"}
    for name in ("validation_accuracy", "test_accuracy"):
        unknown[name] = details.reasons.get(name)
    return Summary(
        name=details.name,
        task=details.task,
        backbone=details.backbone,
        technique=item.technique,
        precision=details.precision,
        parent=item.parent,
        onnx_sha256=details.onnx_sha256,
        validation_accuracy=details.validation_accuracy,
        test_accuracy=details.test_accuracy,
        targets={name: standing(profile, ranks[name][details.name]) for name, profile in details.profiles.items()},
        reasons={name: reason for name, reason in unknown.items() if reason},
    )


def standing(profile: Profile, place: Place) -> Standing:
    """How a variant does on one target."""
    latency = profile.latency_at(1)
    p50 = latency.p50_ms if latency else None
    reasons = {} if place.dominated_by else {"dominated_by": "nothing dominates it"}
    if p50 is None:
        reasons["latency_batch_1_p50_ms"] = latency.reasons["p50_ms"] if latency else "batch 1 was not measured"
    return Standing(
        complexity=profile.complexity,
        latency_batch_1_p50_ms=p50,
        max_throughput=profile.max_throughput,
        on_frontier=place.on_frontier,
        ties_with=list(place.ties_with),
        dominated_by=place.dominated_by,
        reasons=reasons,
    )


def write_variant(folder: Path, item: Item, summary: Summary, previous: Repository | None) -> Published:
    """The variant's folder as Triton loads it; another file under an old name becomes the next version."""
    details = item.details
    home = folder / details.name
    home.mkdir()
    number = take_over_versions(home, details, previous)
    (home / str(number)).mkdir(exist_ok=True)
    shutil.copyfile(item.onnx, home / str(number) / "model.onnx")
    if details.labels:
        (home / "labels.txt").write_text("\n".join(details.labels) + "\n")
    configs = {target: config_text(details, profile) for target, profile in details.profiles.items()}
    (home / "configs").mkdir()
    for target, text in configs.items():
        (home / "configs" / f"{target}.pbtxt").write_text(text)
    (home / "config.pbtxt").write_text(next(iter(configs.values())))
    content = details.model_dump_json(indent=1).encode()
    (home / DETAILS).write_bytes(content)
    return Published.model_validate(
        {**dict(summary), "version": number, "details_sha256": hashlib.sha256(content).hexdigest()}
    )


def take_over_versions(home: Path, details: Details, previous: Repository | None) -> int:
    """Copies the versions published before under this name, and returns the number of the one to write."""
    before = next((v for v in previous.variants if v.name == details.name), None) if previous else None
    if previous is None or before is None:
        return 1
    for old in (previous.root / details.name).glob("[0-9]*"):
        shutil.copytree(old, home / old.name)
    return before.version if before.onnx_sha256 == details.onnx_sha256 else before.version + 1


def config_text(details: Details, profile: Profile) -> str:
    """The `config.pbtxt` with which a profile was measured."""
    serving = ServingSettings(profile.target.threads, profile.target.instances, MAX_BATCH)
    source, sink = details.input, details.output
    return to_text(
        model_config(
            Tensor(source.name, tuple(source.shape)),
            Tensor(sink.name, tuple(sink.shape)),
            serving,
            {"variant": details.name},
            "labels.txt" if details.labels else None,
        )
    )


def swap(root: Path, folder: Path) -> None:
    """Aims the link `root` at `folder` in one step, and removes all but the one it aimed at before."""
    before = root.resolve() if root.is_symlink() else None
    temporary = root.with_name(f".{root.name}-link")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(folder.name)
    temporary.replace(root)
    for old in root.parent.glob(".repository-*"):
        if old.is_dir() and not old.is_symlink() and old.resolve() not in (folder.resolve(), before):
            remove(old)
