"""A fluid model of all servers of a fleet at once: rates in each second instead of single requests.

A server has a backlog q, receives n requests in a second and answers at most μ of them: q' = max(0, q + n − μ). The
requests that arrive while the backlog changes from q to q' wait from q/μ to q'/μ, and longer by chance. A free replica
takes the requests that came during its last batch, so batches have b = λα/(c − λβ) requests, between 1 and the
largest, where each of c replicas takes α + βb for a batch. A loading variant takes its cores from the rung that
answers; where the load ends within a second, the second is divided.

Chance is that requests do not come evenly. Within a second the waiting work is a Brownian motion of drift ρ − 1 and
variance ρτ a second, where τ is the work of a request and ρ the work that comes in a second, reflected at 0, where it
was a second ago (Harrison, Brownian Motion and Stochastic Flow Systems, 1985, section 1.8). The numbers of requests of
the seconds hold the backlog that builds up over seconds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestrators.simulation.ladder import Ladder

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Second:
    """The figures of a second, by server; `not_in_time` counts requests that were sent in it."""

    answered: Floats
    not_in_time: Floats
    accuracy: Floats
    used_cores: Floats
    held_cores: Floats


class Servers:
    """The state of all servers, each a box of `box_cores`."""

    def __init__(self, ladder: Ladder, first_rps: Floats, box_cores: float, deadline_s: float) -> None:
        rungs = ladder.rungs
        self._ladder, self._box_cores, self._deadline_s = ladder, box_cores, deadline_s
        self._fixed_s, self._each_s = np.array([one.line_s for one in rungs]).T
        self._batch = np.array([float(one.deployment.batch) for one in rungs])
        self._replicas = np.array([float(one.deployment.replicas) for one in rungs])
        self._cores = np.array([one.deployment.cores for one in rungs])
        self._capacity_rps = np.array([one.capacity_rps for one in rungs])
        self._accuracy = np.array([one.variant.accuracy for one in rungs])
        self._up_s = np.array([one.variant.up_s(one.deployment.batch) for one in rungs])
        self._loading_cores = self._replicas * np.array([one.variant.loading_cores for one in rungs])
        # The share of its speed that rung i keeps while rung j loads.
        self._kept = np.array([
            [1.0 if one is other else one.kept_during_load(other, box_cores) for other in rungs] for one in rungs
        ])  # fmt: skip
        self._rung = self._coming = ladder.places(first_rps)
        self._up_at_s = np.zeros(len(first_rps))
        self.backlog = np.zeros(len(first_rps))
        self.switches = 0

    def decide(self, now_s: int, demand_rps: Floats) -> None:
        """Starts the loads that this demand needs, on servers where none is in progress."""
        wanted = self._ladder.places(demand_rps)
        begins = (wanted != self._rung) & (self._coming == self._rung)
        self._coming = np.where(begins, wanted, self._coming)
        self._up_at_s = np.where(begins, now_s + self._up_s[wanted], self._up_at_s)
        self.switches += int(begins.sum())

    def second(self, now_s: int, sent: Floats) -> Second:
        """Advances all servers from `now_s` by one second."""
        old, new = self._rung, self._coming
        loading = np.where(old == new, 0.0, np.clip(self._up_at_s - now_s, 0, 1))
        part = np.where(old == new, 1.0, loading)
        kept = self._kept[old, new]
        capacity = part * self._capacity_rps[old] * kept + (1 - part) * self._capacity_rps[new]
        before, most = self.backlog, self.backlog + sent
        answered = np.minimum(most, capacity)
        self.backlog = most - answered
        main = np.where(part > 0.5, old, new)
        batch, batch_s = self._batches(main, sent)
        left_s = self._deadline_s - batch_s / np.where(part > 0.5, kept, 1.0)
        wait_s, last_s = before / capacity, self.backlog / capacity
        late, load = ramp_above(left_s, wait_s, last_s), sent / capacity
        crowded = longer_than(left_s - (wait_s + last_s) / 2, load, 1 / capacity)
        # An overloaded server is never free: its waiting times follow from the rates alone.
        late = np.where(load > 1, late, np.maximum(late, crowded))
        self._rung = np.where(self._up_at_s <= now_s + 1, new, old)
        reserved = self._replicas * self._cores
        used_cores = answered / batch * batch_s * self._cores[main] + loading * self._loading_cores[new]
        return Second(
            answered=answered,
            not_in_time=sent * late,
            accuracy=part * self._accuracy[old] + (1 - part) * self._accuracy[new],
            used_cores=np.minimum(used_cores, self._box_cores),
            held_cores=np.minimum(part * reserved[old] + np.where(old == new, 0.0, reserved[new]), self._box_cores),
        )

    def _batches(self, rung: NDArray[np.intp], sent: Floats) -> tuple[Floats, Floats]:
        """The mean size of a batch, and its time in s."""
        fixed_s, each_s = self._fixed_s[rung], self._each_s[rung]
        spare = self._replicas[rung] - sent * each_s
        largest = self._batch[rung]
        batch = np.where(spare > 0, sent * fixed_s / np.where(spare > 0, spare, 1.0), largest)
        batch = np.clip(batch, 1.0, largest)
        return batch, fixed_s + each_s * batch


def longer_than(wait_s: Floats, load: Floats, work_s: Floats) -> Floats:
    """The share of requests that wait longer than `wait_s`; a load above 1 counts as 1."""
    from scipy.special import ndtr

    rho = np.clip(load, 1e-9, 1.0)
    sd = np.sqrt(rho * work_s)
    wait = np.maximum(wait_s, 0.0)
    drift = rho - 1
    found: Floats = ndtr((drift - wait) / sd) + np.exp(2 * drift * wait / (rho * work_s)) * ndtr((-wait - drift) / sd)
    return np.where(wait_s > 0, found, 1.0)


def ramp_above(limit: Floats, first: Floats, last: Floats) -> Floats:
    """The share of the straight line from `first` to `last` that lies above the limit."""
    low, high = np.minimum(first, last), np.maximum(first, last)
    length = high - low
    found: Floats = np.clip((high - limit) / np.where(length > 0, length, 1.0), 0, 1)
    return np.where(length > 0, found, (low > limit).astype(float))
