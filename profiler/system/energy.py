"""The energy between two moments, from the counters of the processor packages or of the GPUs.

RAPL: docs.kernel.org/power/powercap/powercap.html. NVML: nvmlDeviceGetTotalEnergyConsumption.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pynvml

from profiler.records.throughput import Energy
from profiler.system.machine import gpu_handles

POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Counter:
    """The energy in J since an unknown moment; it starts again at 0 after `range_j`, `None` where it never does."""

    joules: float
    range_j: float | None = None

    def since(self, before: "Counter") -> float:
        """The joules since an earlier reading, where the counter passed the end of its range at most once."""
        passed = self.joules - before.joules
        return passed if passed >= 0 or self.range_j is None else passed + self.range_j


Counters = dict[str, Counter]


def package_counters(powercap: Path) -> Counters | str:
    """The counter of every whole processor package, or the reason why there is none."""
    found: Counters = {}
    for zone in sorted(powercap.glob("intel-rapl:*")):
        try:
            name = (zone / "name").read_text().strip()
            if name.startswith("package"):
                energy_uj, range_uj = ((zone / one).read_text() for one in ("energy_uj", "max_energy_range_uj"))
                found[name] = Counter(int(energy_uj) / 1e6, int(range_uj) / 1e6)
        except OSError as error:
            return f"RAPL is not readable ({error}): its counters are for root only"
    return found or f"no processor package has an energy counter (RAPL) in {powercap}"


def gpu_counters(gpus: Sequence[int]) -> Counters | str:
    """The counter of each of these GPUs, or the reason why there is none."""
    try:
        with gpu_handles() as handles:
            if absent := set(gpus) - set(range(len(handles))):
                return f"there is no GPU {sorted(absent)}: this machine has {len(handles)}"
            return {
                f"gpu {index}": Counter(pynvml.nvmlDeviceGetTotalEnergyConsumption(handles[index]) / 1e3)
                for index in gpus
            }
    except pynvml.NVMLError as error:
        return f"NVML: {error}"


class EnergyMeter:
    """A meter that counts energy in stretches, of these GPUs, or of the processor packages without any.

    A package's counter starts again after about 260 kJ, 43 minutes at 100 W, which limits a stretch.
    """

    def __init__(self, gpus: Sequence[int] = (), powercap: Path = POWERCAP) -> None:
        self._gpus, self._powercap = gpus, powercap
        self._seconds, self._joules, self._why = 0.0, 0.0, ""

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Counts the energy while the block lasts."""
        start_s, before = time.monotonic(), self._counters()
        yield
        joules, why = joules_between(before, self._counters())
        self._seconds += time.monotonic() - start_s
        self._joules += joules or 0.0
        self._why = self._why or why

    def read(self, n: int) -> Energy:
        """The energy of all stretches with `n` inferences in total, unknown where that of a stretch is unknown."""
        joules = None if self._why else self._joules
        each = None if joules is None or n == 0 else joules / n
        reasons = {"joules": self._why} if joules is None else {}
        if each is None:
            reasons["joules_per_inference"] = self._why or "no inference was made"
        return Energy(
            source="nvml" if self._gpus else "rapl",
            n=n,
            seconds=self._seconds,
            joules=joules,
            joules_per_inference=each,
            reasons=reasons,
        )

    def _counters(self) -> Counters | str:
        return gpu_counters(self._gpus) if self._gpus else package_counters(self._powercap)


def joules_between(before: Counters | str, after: Counters | str) -> tuple[float | None, str]:
    """The joules of all counters together, or `None` and the reason."""
    if isinstance(before, str):
        return None, before
    if isinstance(after, str):
        return None, after
    if before.keys() != after.keys():
        return None, f"the energy counters changed from {sorted(before)} to {sorted(after)}"
    return sum(after[name].since(before[name]) for name in before), ""
