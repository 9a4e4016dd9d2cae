"""The record of a switch under traffic."""

from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from profiler.analysis.statistics import percentile, too_few
from profiler.load_generator.open_loop import OpenRun
from profiler.records.base import NOT_VISIBLE, MissingValues, Noise
from profiler.records.place import Place
from profiler.records.warm_up import Switch

NO_SHARE = "no maximal throughput of batch 1 is known: it is half of what one caller gets"


@dataclass(frozen=True)
class Switches:
    """How long each load took, when the first one began and the last one was ready (s from the start of the traffic).

    The cores that the serving processes used until then and meanwhile are `None` where they are not ours to see.
    """

    load_ms: list[float]
    first_s: float
    last_s: float
    cores_before: float | None
    cores_during: float | None


def switch_point(
    place: Place,
    rate_per_s: float,
    share: float | None,
    run: OpenRun,
    switches: Switches,
    wrong: int,
    noise: Noise,
) -> Switch:
    """All requests and answers of one run; a wrong answer is not among the `run`'s."""
    missing = MissingValues()
    before, during, after = phases_ms(run, switches)
    slowest_ms = max((float(one.max()) for one in (before, during, after) if len(one)), default=None)

    def quantile_ms(name: str, latencies_ms: np.ndarray, quantile: float) -> float | None:
        return missing.note(name, percentile(latencies_ms.tolist(), quantile), too_few(quantile, len(latencies_ms)))

    return Switch(
        **place.fields(),
        offered_per_s=rate_per_s,
        offered_share=missing.note("offered_share", share, NO_SHARE),
        switches=len(switches.load_ms),
        load_ms=float(np.median(switches.load_ms)),
        load_max_ms=max(switches.load_ms),
        **counts(run, wrong),
        slowest_ms=missing.note("slowest_ms", slowest_ms, "nothing was answered"),
        before_n=len(before),
        before_p50_ms=quantile_ms("before_p50_ms", before, 0.5),
        before_p99_ms=quantile_ms("before_p99_ms", before, 0.99),
        during_n=len(during),
        during_p50_ms=quantile_ms("during_p50_ms", during, 0.5),
        during_p99_ms=quantile_ms("during_p99_ms", during, 0.99),
        after_n=len(after),
        after_p50_ms=quantile_ms("after_p50_ms", after, 0.5),
        after_p99_ms=quantile_ms("after_p99_ms", after, 0.99),
        server_cores_before=missing.note("server_cores_before", switches.cores_before, NOT_VISIBLE),
        server_cores_during=missing.note("server_cores_during", switches.cores_during, NOT_VISIBLE),
        noise=noise,
        reasons=missing.reasons,
    )


class Counts(TypedDict):
    """How many requests were sent, and what became of them."""

    sent: int
    answered: int
    lost: int
    wrong: int


def counts(run: OpenRun, wrong: int) -> Counts:
    """The requests of a run by what became of them."""
    sent = int(np.isfinite(run.sent_s).sum())
    return {"sent": sent, "answered": run.answered, "lost": sent - run.answered - wrong, "wrong": wrong}


def phases_ms(run: OpenRun, switches: Switches) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The latencies before, during and after the switches."""
    is_before, is_after = run.scheduled_s < switches.first_s, run.scheduled_s >= switches.last_s
    return answered_ms(run, is_before), answered_ms(run, ~is_before & ~is_after), answered_ms(run, is_after)


def answered_ms(run: OpenRun, scheduled: np.ndarray) -> np.ndarray:
    """The latencies of what was answered of the requests `scheduled` in one phase."""
    latencies_s = run.latencies_s[scheduled]
    found: np.ndarray = latencies_s[np.isfinite(latencies_s)] * 1e3
    return found
