"""The other activity of this machine while a point is measured."""

import os
import time

import psutil

from profiler.records.base import MissingValues, Noise, ReferenceKind
from profiler.system.control_groups import own_quota


class NoiseMeter:
    """A meter of the machine's other activity from its creation until `read`."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()
        self._cpu = psutil.cpu_times()
        self._switches = psutil.cpu_stats().ctx_switches
        self._quota = own_quota()
        self._throttling = self._quota.throttling() if self._quota else None

    def read(self, reference_per_s: float | None, kind: ReferenceKind = "in process") -> Noise:
        """The noise since the meter's creation, with the reference's rate at that time."""
        seconds = time.monotonic() - self._start_s
        frequency = psutil.cpu_freq()
        cpu_mhz = (frequency.current or None) if frequency else None
        cores, missing = self._quota.cores if self._quota else None, MissingValues()
        no_period = "no quota is set, or no scheduling period passed"
        return Noise(
            reference=kind,
            load_1min=os.getloadavg()[0],
            switches_per_s=(psutil.cpu_stats().ctx_switches - self._switches) / seconds,
            steal_share=missing.note("steal_share", self._steal_share(), "the system reports no steal time"),
            cpu_mhz=missing.note("cpu_mhz", cpu_mhz, "the system reports no clock rate"),
            cgroup_cores=missing.note("cgroup_cores", cores, "no quota is set"),
            throttled_share=missing.note("throttled_share", self._throttled_share(), no_period),
            reference_per_s=missing.note("reference_per_s", reference_per_s, "no reference ran beside this point"),
            others_share=missing.note("others_share", None, "nobody watched the other processes"),
            reasons=missing.reasons,
        )

    def _steal_share(self) -> float | None:
        after = psutil.cpu_times()
        passed = sum(after) - sum(self._cpu)
        if not hasattr(after, "steal") or passed <= 0:
            return None
        return min(1.0, max(0.0, (after.steal - self._cpu.steal) / passed))

    def _throttled_share(self) -> float | None:
        after = self._quota.throttling() if self._quota else None
        if after is None or self._throttling is None or after.periods == self._throttling.periods:
            return None
        return (after.throttled - self._throttling.throttled) / (after.periods - self._throttling.periods)
