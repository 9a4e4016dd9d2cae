"""The disturbance of a measurement, slice by slice: other processes on its cores, and a reference that falls off.

A disturbed slice is thrown away. Nothing is corrected for a disturbance.
"""

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import psutil

from profiler.load_generator.reference import Reference
from profiler.records.base import Noise
from profiler.system.noise import NoiseMeter

# The share of the cores of server and load generator that other processes may take beside a slice.
OTHERS_LIMIT = 0.1
# The kernel counts in steps of up to 10 ms for each core, so a shorter stretch tells nothing.
STRETCH_S = 0.4
BUSY_CORES = 0.05
NAMED = 3


def busy_seconds(cores: Sequence[int]) -> float:
    """The processor seconds that anything, a hypervisor's other guests included, has used of these cores."""
    times = psutil.cpu_times(percpu=True)
    # Time of guests is part of `user`.
    return sum(t.user + t.nice + t.system + t.irq + t.softirq + t.steal for i, t in enumerate(times) if i in cores)


def own_seconds() -> float:
    """The processor seconds of this process and of its ended children."""
    found = [resource.getrusage(process) for process in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in found)


def process_seconds(ours: frozenset[int]) -> dict[int, tuple[float, str]]:
    """The processor seconds and the name of every process but `ours`, by its id."""
    found = {}
    for one in psutil.process_iter(["name", "cpu_times"]):
        times = one.info["cpu_times"]
        if one.pid not in ours and times is not None:
            found[one.pid] = times.user + times.system, str(one.info["name"])
    return found


@dataclass
class Others:
    """The use of some cores by other processes; `serving_s` reads what the serving processes have used of them."""

    cores: Sequence[int]
    serving_s: Callable[[], float | None]
    ours: frozenset[int]

    def __post_init__(self) -> None:
        self._start_s = time.monotonic()
        self._before = self._first = self._reading()
        self._processes = process_seconds(self.ours)

    def _reading(self) -> tuple[float, float, float] | None:
        serving_s = self.serving_s()
        return None if serving_s is None else (time.monotonic(), busy_seconds(self.cores), serving_s)

    def share(self) -> float | None:
        """The share of these cores that other processes have used since the last call; `None` where unknown."""
        before, self._before = self._before, self._reading()
        return self._between(before, self._before)

    def share_of_all(self) -> float | None:
        """The same since the beginning."""
        return self._between(self._first, self._reading())

    def seconds_since(self) -> float:
        """The seconds since the last call of `share`."""
        return STRETCH_S if self._before is None else time.monotonic() - self._before[0]

    def _between(
        self, before: tuple[float, float, float] | None, after: tuple[float, float, float] | None
    ) -> float | None:
        if before is None or after is None or after[0] <= before[0]:
            return None
        wall_s, busy_s, own_s = (b - a for a, b in zip(before, after, strict=True))
        return min(1.0, max(0.0, (busy_s - own_s) / (wall_s * len(self.cores))))

    def busiest(self) -> tuple[str, ...]:
        """The other processes that used the most processor time since the beginning, each with its cores."""
        seconds = time.monotonic() - self._start_s
        before, found = self._processes, []
        for pid, (used_s, name) in process_seconds(self.ours).items():
            cores = (used_s - before.get(pid, (0.0, ""))[0]) / seconds
            found += [(cores, pid, name)] if cores >= BUSY_CORES else []
        return tuple(
            f"{name} (process {pid}, {cores:.2f} cores)" for cores, pid, name in sorted(found)[: -NAMED - 1 : -1]
        )


@dataclass
class Watch:
    """The slices of one point: beside each the rate of the reference, and whether it was disturbed.

    Slices are measured for `seconds` together and at least the `fewest`; disturbed ones are measured again until the
    point has taken `patience` times its usual time.
    """

    reference: Reference
    others: Others
    seconds: float
    fewest: int
    patience: float = 1.0
    references_per_s: list[float] = field(default_factory=list)
    noise: NoiseMeter = field(default_factory=NoiseMeter)

    def __post_init__(self) -> None:
        self._shares: list[float | None] = []
        self._walls_s: list[float] = []
        self._start_s = time.perf_counter()

    def slice(self, reference_per_s: float, wall_s: float) -> None:
        """Notes a slice that took `wall_s`, its reference included."""
        self.references_per_s.append(reference_per_s)
        self._walls_s.append(wall_s)
        if self.others.seconds_since() >= STRETCH_S:
            self._read()

    def _read(self) -> None:
        """One reading is of all slices since the one before."""
        share = self.others.share()
        self._shares += [share] * (len(self.references_per_s) - len(self._shares))

    def going_on(self) -> bool:
        """Whether more slices are to be measured."""
        took_s = time.perf_counter() - self._start_s
        good = self.good()
        enough = sum(good) >= self.fewest and sum(self._walls_s[i] for i, one in enumerate(good) if one) >= self.seconds
        if enough:
            return False
        # Without a disturbance the fewest slices are measured however long they take.
        usual_s = max(self.seconds, self.fewest * float(np.median(self._walls_s))) if self._walls_s else self.seconds
        return len(good) < self.fewest or took_s < self.patience * usual_s

    def good(self) -> list[bool]:
        """Whether each slice so far was undisturbed; other processes are still unknown beside the last ones."""
        shares = self._shares + [None] * (len(self.references_per_s) - len(self._shares))
        fallen = self.reference.speeds.fallen(self.references_per_s)
        return [not low and (share is None or share <= OTHERS_LIMIT) for low, share in zip(fallen, shares, strict=True)]

    def end(self) -> "Disturbance":
        """The slices that count, and the noise; the reference's readings beside them join those of the machine."""
        if len(self._shares) < len(self.references_per_s):
            self._read()
        good = self.good()
        disturbed = sum(good) < min(self.fewest, len(good))
        thrown_s = sum(seconds for seconds, one in zip(self._walls_s, good, strict=True) if not one)
        counting = np.flatnonzero(good).tolist() if any(good) else list(range(len(good)))
        reference_per_s = float(np.median([self.references_per_s[one] for one in counting]))
        if not disturbed:
            self.reference.speeds.add([reference_per_s])
        noise = self.noise.read(reference_per_s, self.reference.kind).model_copy(
            update={
                "thrown_share": 1 - sum(good) / len(good),
                "disturbed": disturbed,
                "busiest": () if all(good) else self.others.busiest(),
            }
        )
        return Disturbance(counting, with_others(noise, self.others.share_of_all()), thrown_s)


def with_others(noise: Noise, share: float | None) -> Noise:
    """The noise with the share of the cores that other processes used."""
    if share is None:
        return noise
    reasons = {name: why for name, why in noise.reasons.items() if name != "others_share"}
    return noise.model_copy(update={"others_share": share, "reasons": reasons})


@dataclass(frozen=True)
class Disturbance:
    """The numbers of the slices that count, the noise, and the seconds of the other slices."""

    counting: list[int]
    noise: Noise
    thrown_s: float
