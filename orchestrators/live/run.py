"""The data of one live run from clients, orchestrator and probe, for its figures and its picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from orchestrators.live.journal import Second, Switched
from orchestrators.live.requests import Traffic
from orchestrators.live.stalls import Stall
from porting.repository import Repository

Span = tuple[float, float]


@dataclass(frozen=True)
class Run:
    """A live run; `accuracy` is the validation accuracy of every variant that may have answered, by name.

    Journal and stalls may be longer than the traffic: only the part within it counts.
    """

    name: str
    traffic: Traffic
    seconds: Sequence[Second]
    switched: Sequence[Switched]
    stalls: Sequence[Stall]
    accuracy: Mapping[str, float]
    deadline_ms: float

    @classmethod
    def of(
        cls, name: str, traffic: Traffic, journal: tuple[Sequence[Second], Sequence[Switched]], stalls: Sequence[Stall],
        repository: Repository, target: str, deadline_ms: float,
    ) -> Self:  # fmt: skip
        """The run with the published accuracies; raises `BadInputError` where one is unknown."""
        names = {variant for requests in traffic.tasks.values() for variant in requests.variants}
        known = {one: repository.on(one, target).accuracy().value for one in sorted(names)}
        return cls(name, traffic, *journal, stalls, known, deadline_ms)

    @property
    def switches(self) -> list[Switched]:
        """The replacements that began within the traffic, failed ones too; first loads do not count."""
        start_s, end_s = self.traffic.start_s, self.traffic.start_s + self.traffic.seconds
        return [one for one in self.switched if one.before is not None and start_s <= one.began_s < end_s]

    @property
    def switching(self) -> list[Span]:
        """The times of the replacements, in s from the start of the traffic."""
        return [(one.began_s - self.traffic.start_s, one.ended_s - self.traffic.start_s) for one in self.switches]

    @property
    def stalled(self) -> list[Span]:
        """The times of the stalls, in s from the start of the traffic."""
        spans = [
            (stall.second - self.traffic.start_s, stall.second + 1 - self.traffic.start_s) for stall in self.stalls
        ]
        return [(begin, end) for begin, end in spans if end > 0 and begin < self.traffic.seconds]

    @property
    def watched(self) -> list[Second]:
        """The journal's seconds whose middle lies within the traffic."""
        middles = [(one, one.moment_s - 0.5 - self.traffic.start_s) for one in self.seconds]
        return [one for one, middle_s in middles if 0 <= middle_s < self.traffic.seconds]


def touched(begin_s: np.ndarray, end_s: np.ndarray, spans: Sequence[Span]) -> np.ndarray:
    """Whether each interval overlaps any of the spans, as booleans (intervals,)."""
    found = np.zeros(len(begin_s), dtype=bool)
    for begin, end in spans:
        found |= (begin_s < end) & (end_s > begin)
    return found
