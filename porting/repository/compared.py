"""Who is compared with whom: variants that were evaluated on the same data, by metrics of their names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from porting.repository.frontier import Place, Points, places
from porting.repository.metrics import metric
from porting.repository.schema import Accuracy, Figure
from profiler.common.errors import BadInputError

RANKED_BY = ("accuracy", "images_per_s")


@dataclass(frozen=True)
class Candidate:
    """A variant on a target: its figures by metric, and where its accuracy comes from."""

    name: str
    accuracy: Accuracy | None
    figures: Mapping[str, Figure]


def placed(candidates: Iterable[Candidate], metrics: Sequence[str]) -> dict[str, Place]:
    """The candidates' places among those of the same data; raises `BadInputError` for an unknown metric or for none."""
    if not metrics:
        raise BadInputError("a frontier needs a metric: name at least one")
    better = [metric(name).better for name in metrics]
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(data(candidate.accuracy), []).append(candidate)
    found: dict[str, Place] = {}
    for group in groups.values():
        rows = [[candidate.figures.get(name) for name in metrics] for candidate in group]
        found |= places([candidate.name for candidate in group], Points.of(rows, better))
    return found


def data(accuracy: Accuracy | None) -> str:
    """The digest of the data that an accuracy was evaluated on, nothing where it is unknown."""
    return accuracy.dataset_sha256 if accuracy else ""
