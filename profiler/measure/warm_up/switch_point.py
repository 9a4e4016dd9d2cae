"""The record of a switch under traffic."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from profiler.analysis.statistics import percentile, too_few
from profiler.load_generator.open_loop import OpenRun
from profiler.measure.warm_up.points import NOT_OURS
from profiler.records.noise import Noise
from profiler.records.warm_up import Switch


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
    place: dict[str, Any],
    rate_per_s: float,
    share: float | None,
    run: OpenRun,
    switches: Switches,
    wrong: int,
    noise: Noise,
) -> Switch:
    """All requests and answers of one run; a wrong answer is not among the `run`'s."""
    scheduled_s, sent = run.scheduled_s, int(np.isfinite(run.sent_s).sum())
    during = (scheduled_s >= switches.first_s) & (scheduled_s < switches.last_s)
    answered_ms = run.latencies_s[np.isfinite(run.latencies_s)] * 1e3
    figures: dict[str, tuple[float | None, str]] = {
        "offered_share": (share, "no maximal throughput of batch 1 is known: it is half of what one caller gets"),
        "slowest_ms": (float(answered_ms.max()) if len(answered_ms) else None, "nothing was answered"),
        "server_cores_before": (switches.cores_before, NOT_OURS),
        "server_cores_during": (switches.cores_during, NOT_OURS),
        **phase("before", run, scheduled_s < switches.first_s),
        **phase("during", run, during),
        **phase("after", run, scheduled_s >= switches.last_s),
    }
    return Switch(
        **place,
        offered_per_s=rate_per_s,
        switches=len(switches.load_ms),
        load_ms=float(np.median(switches.load_ms)),
        load_max_ms=max(switches.load_ms),
        sent=sent,
        answered=run.answered,
        lost=sent - run.answered - wrong,
        wrong=wrong,
        noise=noise,
        reasons={name: reason for name, (value, reason) in figures.items() if value is None},
        **{name: value for name, (value, _) in figures.items()},
    )


def phase(name: str, run: OpenRun, scheduled: np.ndarray) -> dict[str, tuple[float | None, str]]:
    """Count and percentiles of what was answered of the requests `scheduled` in one phase."""
    latencies_s = run.latencies_s[scheduled]
    latencies_ms = latencies_s[np.isfinite(latencies_s)] * 1e3
    n = len(latencies_ms)
    quantiles = {f"{name}_p{quantile * 100:.0f}_ms": quantile for quantile in (0.5, 0.99)}
    return {
        f"{name}_n": (n, ""),
        **{key: (percentile(latencies_ms, quantile), too_few(quantile, n)) for key, quantile in quantiles.items()},
    }
