"""Dominance among the variants on a target that were evaluated on the same data, and their index records."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from porting.repository.figures import compared_by, figures, metric
from porting.repository.schema import Accuracy, Details, Figure, Standing
from profiler.common.errors import BadInputError
from profiler.records.profile import Profile

if TYPE_CHECKING:
    from porting.repository.frontier import Dominance

RANKED_BY = ("accuracy", "images_per_s")
# The ranking of a server whose clients send single requests.
RANKED_SINGLE = ("accuracy", "single_images_per_s")
REASON_LENGTH = 2000


@dataclass(frozen=True)
class Candidate:
    """A variant on a target as a candidate for the frontier: its accuracy record and its figures by metric."""

    name: str
    accuracy: Accuracy | None
    figures: Mapping[str, Figure]


def placed(candidates: Iterable[Candidate], metrics: Sequence[str]) -> "dict[str, Dominance]":
    """The dominance of candidates among those of the same data; raises `BadInputError` for unknown or no metrics."""
    # This import loads numpy, which would add a third to the import time of the reader.
    from porting.repository.frontier import Points, dominances

    if not metrics:
        raise BadInputError("a frontier needs a metric: name at least one")
    better = [metric(name).better for name in metrics]
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(data(candidate.accuracy), []).append(candidate)
    found: dict[str, Dominance] = {}
    for group in groups.values():
        rows = [[candidate.figures.get(compared_by(name)) for name in metrics] for candidate in group]
        places = dominances([candidate.name for candidate in group], Points.of(rows, better))
        found |= {one.name: replace(places[one.name], ranked=not unranked(one, metrics)) for one in group}
    return found


def unranked(one: Candidate, metrics: Sequence[str]) -> list[str]:
    """The metrics in which a candidate has no rank, as its figure that compares is unknown.

    An accuracy that was not evaluated on any data takes no rank, as there is nothing to compare.
    """
    unknown = [name for name in metrics if compared_by(name) not in one.figures]
    return [name for name in unknown if name != "accuracy" or one.accuracy is not None]


def surpassed(candidates: Sequence[Candidate]) -> set[str]:
    """The names of the candidates that are dominated, and on no frontier of single requests either."""
    best, single = (placed(candidates, metrics) for metrics in (RANKED_BY, RANKED_SINGLE))
    return {name for name, place in best.items() if place.dominated_by and not single[name].on_frontier}


def data(accuracy: Accuracy | None) -> str:
    """The digest of the data that an accuracy was evaluated on, empty where it is unknown."""
    return accuracy.dataset_sha256 if accuracy else ""


def standing_of(details: Details, profile: Profile, dominated_by: str | None, ties_with: Sequence[str]) -> Standing:
    """The index record of a variant on one target; raises `BadInputError` without a maximal throughput."""
    best = profile.best_throughput()
    if best is None:
        raise BadInputError(f"{details.name} has no maximal throughput on {profile.target_name}: profile it again")
    found, unknown = figures(details.validation_accuracy, profile, details.flags)
    candidate = Candidate(details.name, details.validation_accuracy, found)
    return Standing(
        level=profile.level,
        figures=found,
        unknown={name: " ".join(why.split())[:REASON_LENGTH] for name, why in unknown.items()},
        batch=best.batch,
        concurrency=best.concurrency,
        verdict=best.verdict,
        verdict_reason=best.verdict_reason[:REASON_LENGTH],
        others_share=best.noise.others_share,
        on_frontier=dominated_by is None and not unranked(candidate, RANKED_BY),
        ties_with=list(ties_with),
        dominated_by=dominated_by,
    )
