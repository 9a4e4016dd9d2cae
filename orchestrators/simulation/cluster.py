"""The pools of all tasks on one box, and how they slow each other.

Where servers and loads need more cores than the box has, each server is slowed by its variant's measured contention
factor at the share of the box that the others used in the last second. The speed of a server is at least the even share
of the cores, which the scheduler guarantees. A slowed batch takes longer and uses the same core-seconds.
"""

from collections.abc import Sequence

from orchestrators.simulation.pool import Pool
from orchestrators.simulation.station import Station


class Cluster:
    """Pools on a box with `cores`; `None` where every replica is a separate machine."""

    def __init__(self, pools: Sequence[Pool], cores: float | None) -> None:
        self.pools, self._cores = pools, cores
        self._now_s = 0.0
        # Core-seconds of each station: in the last whole second, and in this one so far.
        self._last: dict[Station, float] = {}
        self._this: dict[Station, float] = {}
        self._loads_core_s = 0.0
        self._up_core_s = 0.0
        self.held_core_s = 0.0
        self.used_core_s = 0.0

    def second(self, end_s: float) -> float:
        """Advances to `end_s`, through every moment at which a replica starts or ends; returns the used CPU share."""
        self._last, self._this, self._loads_core_s, self._up_core_s = self._this, {}, 0.0, 0.0
        begin_s = self._now_s
        while self._now_s < end_s:
            self._advance(min(end_s, *(pool.next_s() for pool in self.pools)))
            for pool in self.pools:
                pool.settle(self._now_s)
        cores_s = self._up_core_s if self._cores is None else self._cores * (end_s - begin_s)
        served_s = sum(self._this.values())
        self.used_core_s += served_s
        used_s = served_s + (0.0 if self._cores is None else self._loads_core_s)
        return min(1.0, used_s / cores_s) if cores_s else 0.0

    def used_cores(self, pool: Pool) -> float:
        """The cores that the stations of a pool used in the last second."""
        return sum(core_s for station, core_s in self._this.items() if station in pool.variant_of)

    def _advance(self, until_s: float) -> None:
        length_s, self._now_s = until_s - self._now_s, until_s
        slow = self._slow()
        held_cores = sum(pool.held_cores() for pool in self.pools)
        self.held_core_s += length_s * (held_cores if self._cores is None else min(held_cores, self._cores))
        for pool in self.pools:
            self._loads_core_s += length_s * pool.loading_cores()
            pool.route(until_s)
            for station in pool.working():
                self._up_core_s += length_s * station.held * station.cores
                factor = slow.get(station, 1.0)
                core_s = station.serve(until_s, factor) * station.cores / factor
                self._this[station] = self._this.get(station, 0.0) + core_s
            pool.retired = [station for station in pool.retired if not station.drained]

    def _slow(self) -> dict[Station, float]:
        """The factor by which each station's batches take longer than alone; 1 for stations without an entry."""
        if self._cores is None:
            return {}
        wanted_cores = loads = sum(pool.loading_cores() for pool in self.pools)
        wanted_cores += sum(station.held * station.cores for pool in self.pools for station in pool.working())
        if wanted_cores <= self._cores:
            return {}
        used, found = loads + sum(self._last.values()), {}
        for pool in self.pools:
            for station in pool.working():
                own = self._last.get(station, 0.0) / max(1, station.held)
                found[station] = 1 / max(self._cores / wanted_cores, pool.kept(station, (used - own) / self._cores))
        return found
