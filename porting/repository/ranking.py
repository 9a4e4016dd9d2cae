"""From the offered variants to their places: who is compared with whom on which target, and what the index says."""

from collections.abc import Mapping, Sequence

from porting.repository.frontier import Candidate, Metric, Place, places
from porting.repository.item import Item
from porting.repository.schema import Accuracy, Standing, Summary
from profiler.errors import BadInputError
from profiler.records.fingerprint import Fingerprint
from profiler.records.profile import Profile


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
            candidate = Candidate(details.name, metrics(accuracy, details.profiles[target]))
            groups.setdefault(comparable, []).append(candidate)
    found: dict[str, Place] = {}
    for group in groups.values():
        found |= places(group)
    return found


def metrics(accuracy: Accuracy | None, profile: Profile) -> tuple[Metric, ...]:
    """Validation accuracy and drift-corrected maximal throughput; none where one of them is unknown."""
    best = profile.best_throughput()
    if accuracy is None or best is None:
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
    best, latency = profile.best_throughput(), profile.latency_at(1)
    if best is None:
        raise BadInputError(
            f"{profile.onnx_sha256} has no maximal throughput on {profile.target_name}: profile it again"
        )
    p50 = latency.p50_ms if latency else None
    reasons = {} if place.dominated_by else {"dominated_by": "nothing dominates it"}
    if p50 is None:
        reasons["latency_batch_1_p50_ms"] = latency.reasons["p50_ms"] if latency else "batch 1 was not measured"
    return Standing(
        complexity=profile.complexity,
        latency_batch_1_p50_ms=p50,
        max_throughput=best,
        on_frontier=place.on_frontier,
        ties_with=list(place.ties_with),
        dominated_by=place.dominated_by,
        reasons=reasons,
    )
