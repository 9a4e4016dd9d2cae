"""The data of one live run from clients, orchestrator and probe, for its figures and its picture."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from orchestrators.live.journal import Second, Switched
from orchestrators.live.stalls import Stall
from porting.repository import Repository
from profiler.common.archives import arrays, packed
from profiler.common.errors import BadInputError
from profiler.common.files import write_atomically

LOST, WRONG = -1, -2
ARRAYS = ("scheduled_s", "sent_s", "latency_s", "answer", "variants")
Span = tuple[float, float]


@dataclass(frozen=True)
class Requests:
    """A task's requests in order of time, each array (requests,); moments in s from the start of the traffic.

    `answer` is the index in `variants` of the variant that answered, or `LOST` or `WRONG`, with the reason in `why` by
    request. `latency_s` counts from the scheduled moment and is NaN for a lost request.
    """

    variants: tuple[str, ...]
    scheduled_s: np.ndarray
    sent_s: np.ndarray
    latency_s: np.ndarray
    answer: np.ndarray
    why: Mapping[int, str]

    @property
    def right(self) -> np.ndarray:
        """Whether a variant of the task answered, (requests,)."""
        answered: np.ndarray = self.answer >= 0
        return answered


@dataclass(frozen=True)
class Traffic:
    """The requests of every task; their moments count from `start_s` (`clock.unix_s`)."""

    start_s: float
    tasks: Mapping[str, Requests]

    @property
    def seconds(self) -> int:
        """Whole seconds until the last request was scheduled, at least 1."""
        return max((int(one.scheduled_s[-1]) + 1 for one in self.tasks.values() if len(one.scheduled_s)), default=1)


def write_traffic(path: Path, traffic: Traffic) -> None:
    """Writes an `.npz` file, from which every figure can be computed again."""
    arrays = {
        f"{task}/{name}": np.asarray(getattr(one, name)) for task, one in traffic.tasks.items() for name in ARRAYS
    }
    arrays |= {f"{task}/why": np.array(json.dumps(one.why)) for task, one in traffic.tasks.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, packed({"start_s": np.array(traffic.start_s), **arrays}))


def read_traffic(path: Path) -> Traffic:
    """The requests in a file of `write_traffic`; raises `BadInputError` for any other file."""
    fix = "give the file that a live run wrote"
    file = arrays(path, fix)
    try:
        tasks = [name.removesuffix("/why") for name in file if name.endswith("/why")]
        return Traffic(float(file["start_s"]), {task: requests_in(file, task) for task in tasks})
    except (ValueError, TypeError, KeyError) as error:
        raise BadInputError(f"{path} holds no traffic ({' '.join(str(error).split())[:160]}): {fix}") from error


def requests_in(file: Mapping[str, np.ndarray], task: str) -> Requests:
    """The requests of a task from the arrays of the file."""
    scheduled_s, sent_s, latency_s, answer, variants = (file[f"{task}/{name}"] for name in ARRAYS)
    why = {int(place): reason for place, reason in json.loads(str(file[f"{task}/why"])).items()}
    return Requests(tuple(variants.tolist()), scheduled_s, sent_s, latency_s, answer, why)


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
        accuracy = {one: repository.on(one, target).accuracy().value for one in sorted(names)}
        return cls(name, traffic, *journal, stalls, accuracy, deadline_ms)

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
