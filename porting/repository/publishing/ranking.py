"""The ranking of offered variants: their dominance on each target, their accuracy ranks, and their index records."""

from collections.abc import Mapping, Sequence

from porting.repository.consistency import SHARED_FIELDS
from porting.repository.figures import figures, why_unranked
from porting.repository.frontier import Dominance
from porting.repository.publishing.offers import Offer
from porting.repository.reader import Repository
from porting.repository.schema import Details, Summary
from porting.repository.standing import RANKED_BY, Candidate, data, placed, standing_of, surpassed
from profiler.common.errors import BadInputError
from profiler.records.complexity import Fingerprint


def fingerprints(offers: Sequence[Offer]) -> dict[str, Fingerprint]:
    """The fingerprint of each target; raises `BadInputError` where two machines have one name."""
    found: dict[str, Fingerprint] = {}
    for offer in offers:
        for target, profile in offer.details.profiles.items():
            if found.setdefault(target, profile.fingerprint) != profile.fingerprint:
                raise BadInputError(
                    f"target {target} was measured on different machines or settings ({offer.details.name} differs): "
                    f"profile all variants again with stage=profile target={target}"
                )
    return found


def by_task(offers: Sequence[Offer], target: str) -> list[list[Candidate]]:
    """The candidates on one target, in one list for each task."""
    tasks: dict[str, list[Candidate]] = {}
    for details in (offer.details for offer in offers if target in offer.details.profiles):
        found, _ = figures(details.validation_accuracy, details.profiles[target], details.flags)
        tasks.setdefault(details.task, []).append(Candidate(details.name, details.validation_accuracy, found))
    return list(tasks.values())


def ranked(offers: Sequence[Offer], target: str) -> dict[str, Dominance]:
    """The dominance of every variant on one target among those of its own task."""
    places: dict[str, Dominance] = {}
    for candidates in by_task(offers, target):
        places |= placed(candidates, RANKED_BY)
    return places


def to_drop(offers: Sequence[Offer]) -> set[str]:
    """The names of the variants that other ones surpass on each of their targets."""
    targets = {target for offer in offers for target in offer.details.profiles}
    beaten = {
        (name, target) for target in targets for candidates in by_task(offers, target) for name in surpassed(candidates)
    }
    found = (offer.details for offer in offers)
    return {one.name for one in found if all((one.name, target) in beaten for target in one.profiles)}


def accuracies(offers: Sequence[Offer]) -> dict[str, tuple[float, int]]:
    """The validation accuracy relative to the best one, and the rank by it, of every variant with a ranked accuracy."""
    groups: dict[tuple[str, str], dict[str, float]] = {}
    for details in (offer.details for offer in offers):
        if details.validation_accuracy is not None and not why_unranked(details.flags, RANKED_BY):
            group = groups.setdefault((details.task, data(details.validation_accuracy)), {})
            group[details.name] = details.validation_accuracy.value
    found = {}
    for values in groups.values():
        best = max(values.values())
        for name, value in values.items():
            found[name] = value / best if best else 1.0, 1 + sum(other > value for other in values.values())
    return found


def summaries(offers: Sequence[Offer], targets: Sequence[str], versions: Sequence[int]) -> list[Summary]:
    """The index records; `versions` are the Triton versions of the offered files."""
    ranks = {target: ranked(offers, target) for target in targets}
    accuracy = accuracies(offers)
    return [
        summarise(offer, ranks, accuracy.get(offer.details.name), number)
        for offer, number in zip(offers, versions, strict=True)
    ]


def summarise(
    offer: Offer, ranks: Mapping[str, Mapping[str, Dominance]], accuracy: tuple[float, int] | None, number: int
) -> Summary:
    """The index record of one offer; `number` is the Triton version of its file."""
    details = offer.details
    reasons: dict[str, str] = {
        name: details.reasons[name] for name in ("validation_accuracy", "test_accuracy") if name in details.reasons
    }
    if offer.parent is None:
        reasons["parent"] = "its lineage begins here"
    if accuracy is None:
        why = why_unranked(details.flags, RANKED_BY) or "its accuracy is unknown"
        reasons |= dict.fromkeys(("relative_accuracy", "accuracy_rank"), why)
    relative, rank = accuracy or (None, None)
    return Summary(
        **{field: getattr(details, field) for field in SHARED_FIELDS},
        technique=offer.technique,
        parent=offer.parent,
        version=number,
        relative_accuracy=relative,
        accuracy_rank=rank,
        targets={
            name: standing_of(details, profile, place.dominated_by, place.ties_with)
            for name, profile in details.profiles.items()
            if (place := ranks[name][details.name])
        },
        reasons=reasons,
    )


def next_version(details: Details, previous: Repository | None) -> int:
    """The Triton version of a file: unchanged for the same file, the next number for another one."""
    entries = (*previous.index.variants, *previous.index.dropped) if previous else ()
    before = next((variant for variant in entries if variant.name == details.name), None)
    if before is None:
        return 1
    return before.version if before.onnx_sha256 == details.onnx_sha256 else before.version + 1
