"""A fleet of servers that follow a ladder, in the fluid model."""

from collections.abc import Iterable

import numpy as np
from pydantic import Field

from orchestrators.simulation.fluid import Floats, Servers
from orchestrators.simulation.ladder import Ladder
from profiler.common.errors import BadInputError
from profiler.records.base import Value


class FleetSettings(Value):
    """The settings of a fleet, whose servers are boxes of `box_cores` and follow the ladder every `interval_s`.

    A server decides by the highest demand since its last decision.
    """

    box_cores: float = Field(gt=0)
    deadline_ms: float = Field(gt=0)
    interval_s: int = Field(ge=1)


class FleetResult(Value):
    """The figures of a fleet: shares and means are over requests, `cpu_share` is over servers and seconds.

    `accuracy` is over all answers, `effective_accuracy` counts late ones as 0. `waiting` requests had no answer at the
    end. Series by second are of the whole fleet, series by server of the whole time.
    """

    servers: int
    seconds: int
    sent: float
    waiting: float
    in_time_share: float
    accuracy: float
    effective_accuracy: float
    cpu_share: float
    held_core_s: float
    switches: int
    demand_rps: tuple[float, ...]
    not_in_time_rps: tuple[float, ...]
    accuracy_by_second: tuple[float, ...]
    cpu_share_by_second: tuple[float, ...]
    in_time_share_by_server: tuple[float, ...]
    accuracy_by_server: tuple[float, ...]


def fleet(ladder: Ladder, counts: Iterable[Floats], settings: FleetSettings) -> FleetResult:
    """Simulates the fleet; `counts` has for each second the number of requests to each server, (servers,).

    The first second decides the first rungs. Raises `BadInputError` without any second or any request.
    """
    servers, recent, rows = None, [], []
    total = np.empty((0, 0))
    for now_s, sent in enumerate(counts):
        if servers is None:
            servers = Servers(ladder, sent, settings.box_cores, settings.deadline_ms / 1e3)
            total = np.zeros((4, len(sent)))
        elif now_s % settings.interval_s == 0:
            servers.decide(now_s, np.max(recent, axis=0))
            recent.clear()
        recent.append(sent)
        done = servers.second(now_s, sent)
        right, timely = done.answered * done.accuracy, sent - done.not_in_time
        total += sent, done.answered, right, timely
        effective = float((timely * done.accuracy).sum())
        sums = sent, done.not_in_time, done.answered, right, done.used_cores, done.held_cores
        rows.append([effective, *(float(one.sum()) for one in sums)])
    if servers is None or not total[0].any():
        raise BadInputError("counts of no second, or of no request: give what each server is sent in each second")
    return written(servers, np.array(rows), total, settings)


def written(servers: Servers, rows: Floats, total: Floats, settings: FleetSettings) -> FleetResult:
    """The result from sums by second (`rows`) and by server (`total`)."""
    effective, sent, not_in_time, answered, right, used_cores, held_cores = rows.T
    count = total.shape[1]
    cpu_share = used_cores / (settings.box_cores * count)
    sent_by_server, answered_by_server, right_by_server, timely = total
    return FleetResult(
        servers=count,
        seconds=len(rows),
        sent=float(sent.sum()),
        waiting=float(servers.backlog.sum()),
        in_time_share=1 - float(not_in_time.sum() / sent.sum()),
        accuracy=float(right.sum() / answered.sum()),
        effective_accuracy=float(effective.sum() / sent.sum()),
        cpu_share=float(cpu_share.mean()),
        held_core_s=float(held_cores.sum()),
        switches=servers.switches,
        demand_rps=tuple(sent.tolist()),
        not_in_time_rps=tuple(not_in_time.tolist()),
        accuracy_by_second=tuple(share(right, answered).tolist()),
        cpu_share_by_second=tuple(cpu_share.tolist()),
        in_time_share_by_server=tuple(share(timely, sent_by_server).tolist()),
        accuracy_by_server=tuple(share(right_by_server, answered_by_server).tolist()),
    )


def share(part: Floats, whole: Floats) -> Floats:
    """The elementwise ratio; 1 where the whole is 0, as nothing was missed."""
    return np.divide(part, whole, out=np.ones_like(part), where=whole > 0)
