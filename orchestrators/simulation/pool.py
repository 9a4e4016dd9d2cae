"""The servers of one task, and their changes from one plan to the next.

New servers start while the present ones answer. When all new servers are up, new requests go to them,
and the unwanted servers answer the requests in their own queues and end. So a change leaves no request without a
server. An additional replica of a running variant joins as soon as it is up.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from orchestrators.deployment import Deployment
from orchestrators.policies.policy import Mechanism
from orchestrators.simulation.station import Service, Station, normals, sampled
from orchestrators.variant import Variant
from profiler.common.errors import BadInputError

# Multiples of the golden ratio, modulo 1, are spread evenly over an interval.
GOLDEN = (5**0.5 - 1) / 2
# The variant, cores and batch of a station.
Key = tuple[str, float, int]


class Pool:
    """The servers of a task, whose requests arrive at `moments_s`."""

    def __init__(
        self,
        task: str,
        moments_s: NDArray[np.float64],
        variants: Mapping[str, Variant],
        mechanism: Mechanism,
        generator: np.random.Generator,
    ) -> None:
        self.task, self.moments_s, self.variants, self._mechanism = task, moments_s, variants, mechanism
        self._normal = normals(generator)
        self._next = 0
        self.wanted: dict[Key, Deployment] = {}
        self.stations: dict[Key, Station] = {}
        self.loading: dict[Key, list[float]] = {}
        self.routed: list[Station] = []
        self.retired: list[Station] = []
        # The variant of every station, ended ones too.
        self.variant_of: dict[Station, str] = {}
        self.changing = False
        # The variants that answer, each time with the moment from which they do.
        self.serving: list[tuple[float, list[str]]] = []
        self._bounds = np.empty(0)

    def change(self, deployments: Sequence[Deployment], now_s: float, at_once: bool = False) -> None:
        """Starts the change to this plan; `at_once` without any load time."""
        self.wanted, self.changing = self._by_key(deployments), True
        if self._mechanism.in_place:
            self._resize()
        self.loading = {key: self.loading.get(key, []) for key in self.wanted}
        for key, one in self.wanted.items():
            if key not in self.stations:
                self.stations[key] = Station(self._service(key), batch=self._batch(key), cores=key[1])
                self.variant_of[self.stations[key]] = key[0]
            missing = one.replicas - len(self.stations[key].free) - len(self.loading[key])
            if missing > 0:
                self.loading[key] += [now_s + (0 if at_once else self._up_s(key))] * missing
            elif missing < 0:
                self.loading[key] = self.loading[key][:missing]
        self.settle(now_s)

    def settle(self, now_s: float) -> None:
        """Adds the servers that are up by now; the change ends with the last one."""
        for key, moments_s in self.loading.items():
            for moment_s in moments_s:
                if moment_s <= now_s:
                    self.stations[key].join(moment_s)
            self.loading[key] = [moment_s for moment_s in moments_s if moment_s > now_s]
        if self.changing and all(len(self.stations[key].free) >= one.replicas for key, one in self.wanted.items()):
            self._complete(now_s)

    def _complete(self, now_s: float) -> None:
        self.changing = False
        unwanted = [self.stations.pop(key) for key in list(self.stations) if key not in self.wanted]
        self.retired += [station for station in unwanted if not station.drained]
        for key, one in self.wanted.items():
            self.stations[key].leave(len(self.stations[key].free) - one.replicas, now_s)
        self.routed = [self.stations[key] for key in self.wanted]
        weights = [one.rate_rps for one in self.wanted.values()]
        if not any(weights):
            weights = [one.replicas * one.cores for one in self.wanted.values()]
        self._bounds = np.cumsum(weights)[:-1] / sum(weights)
        variants = sorted({variant for variant, _, _ in self.wanted})
        if not self.serving or self.serving[-1][1] != variants:
            self.serving.append((now_s, variants))

    def route(self, until_s: float) -> None:
        """Adds the requests that arrive before `until_s` to the queues, in proportion to the rates of the plan."""
        first, self._next = self._next, int(np.searchsorted(self.moments_s, until_s))
        requests, moments_s = np.arange(first, self._next), self.moments_s[first : self._next]
        if len(self.routed) == 1:
            self.routed[0].take(requests, moments_s)
            return
        chosen = np.searchsorted(self._bounds, requests * GOLDEN % 1, side="right")
        for number, station in enumerate(self.routed):
            station.take(requests[chosen == number], moments_s[chosen == number])

    def kept(self, station: Station, share: float) -> float:
        """The share of its speed that a station keeps while others use this share of its cores."""
        return self.variants[self.variant_of[station]].kept(share)

    def working(self) -> list[Station]:
        """The stations that can have requests."""
        return self.routed + self.retired

    def next_s(self) -> float:
        """The moment at which the next replica is up or the next station ends."""
        ups_s = (moment_s for moments_s in self.loading.values() for moment_s in moments_s)
        return min((*ups_s, *(station.ends_s for station in self.retired)), default=float("inf"))

    def loading_cores(self) -> float:
        """The cores that the loads use."""
        return sum(len(moments) * self.variants[key[0]].loading_cores for key, moments in self.loading.items())

    def held_cores(self) -> float:
        """The reserved cores: of servers that are up, that load, and that finish."""
        up = sum(station.held * station.cores for station in (*self.stations.values(), *self.retired))
        return up + sum(len(moments) * key[1] for key, moments in self.loading.items())

    def _by_key(self, deployments: Sequence[Deployment]) -> dict[Key, Deployment]:
        found: dict[Key, Deployment] = {}
        for one in deployments:
            if one.variant not in self.variants:
                raise BadInputError(
                    f"no variant {one.variant!r} of {self.task}: choices are {', '.join(self.variants)}"
                )
            key = one.variant, one.cores, one.batch
            more = found.get(key)
            total = {"replicas": one.replicas + more.replicas, "rate_rps": one.rate_rps + more.rate_rps} if more else {}
            found[key] = one.model_copy(update=total)
        return found

    def _resize(self) -> None:
        """Changes cores and batch of a station in place, where the plan wants the same variant."""
        for key in [one for one in self.wanted if one not in self.stations]:
            old = next((one for one in self.stations if one[0] == key[0] and one not in self.wanted), None)
            if old is not None:
                station = self.stations[key] = self.stations.pop(old)
                self.loading[key] = self.loading.pop(old, [])
                station.cores, station.batch = key[1], self._batch(key)
                station.service = self._service(key)

    def _service(self, key: Key) -> Service:
        variant = self.variants[key[0]]
        return sampled(variant.service_s(self._batch(key), key[1]), variant.spread, self._normal)

    def _batch(self, key: Key) -> int:
        """The largest batch of a station: that of the plan, or that of the server's dynamic batching."""
        variant, cores, batch = key
        return self.variants[variant].joined(batch, cores)

    def _up_s(self, key: Key) -> float:
        return (self._mechanism.start_up_s or 0.0) + self.variants[key[0]].up_s(key[2])
