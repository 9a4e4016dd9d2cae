"""The requests of the clients and their answers, as arrays and as a file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from profiler.common.archives import arrays, packed
from profiler.common.errors import BadInputError
from profiler.common.files import write_atomically

LOST, WRONG = -1, -2
ARRAYS = ("scheduled_s", "sent_s", "latency_s", "answer", "variants")


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
