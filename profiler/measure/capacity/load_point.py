"""What becomes of a served model under a share of its maximal throughput."""

from typing import Any

import numpy as np

from profiler.analysis.statistics import percentile, too_few
from profiler.measure.capacity.trial import Measured
from profiler.measure.capacity.trial_meter import BATCH, TrialMeter
from profiler.measure.throughput.part import at
from profiler.records.base import Verdict
from profiler.records.capacity import InTime, LoadPoint

SETTLED_HALF_WIDTH = 0.05
DRIFT_LIMIT = 0.2


def measure_load(meter: TrialMeter, load_share: float, seconds: float, quantile: float, seed: int) -> LoadPoint:
    """Poisson arrivals at a share of the maximum that the machine has at this moment."""
    measured = meter.run(load_share * meter.max_requests_per_s, seconds, seed)
    resources = meter.resources
    name = f"load_{load_share:g}_cores_{resources.cores:g}_x{resources.instances}"
    meter.subject.samples[f"{name}_moments_s"] = measured.raw()
    verdict, why = judge(measured, quantile)
    figures = latencies(measured) | use(measured, resources.cores) | explosion(measured)
    return LoadPoint.model_validate(
        {
            **measured.trial.model_dump(exclude={"reasons"}),
            **{name: value for name, (value, _) in figures.items()},
            **at(meter.subject, resources, BATCH),
            "load_share": load_share,
            "max_requests_per_s": meter.max_requests_per_s,
            "answered": measured.run.answered,
            "verdict": verdict,
            "verdict_reason": why,
            "noise": meter.noise.read(measured.probe_per_s, meter.yardstick.probe),
            "reasons": {name: reason for name, (value, reason) in figures.items() if value is None},
        }
    )


Figures = dict[str, tuple[Any, str]]


def latencies(measured: Measured) -> Figures:
    """Percentiles over all that was scheduled: what was lost came later than everything else."""
    run, trial = measured.run, measured.trial
    last_s = np.nanmax(run.latencies_s)
    samples = (np.nan_to_num(run.latencies_s, nan=last_s) * 1e3).tolist()
    figures: Figures = {}
    for quantile in (0.5, 0.9, 0.95, 0.99):
        value, why = percentile(samples, quantile), too_few(quantile, trial.requests)
        if value is not None and trial.lost >= (1 - quantile) * trial.requests:
            value, why = None, f"{trial.lost} of {trial.requests} requests were lost"
        figures[f"p{quantile * 100:.0f}_ms"] = value, why
    return figures


def use(measured: Measured, cores: float) -> Figures:
    """What the serving processes took of the machine."""
    used_s, run = measured.server_cpu_s, measured.run
    unseen = "the serving processes are not ours to see"
    taken = None if used_s is None else used_s / run.wall_s
    return {
        "server_cores_used": (taken, unseen),
        "cpu_share": (None if taken is None else taken / cores, unseen),
        "core_s_per_inference": (None if used_s is None else used_s / (run.answered * BATCH), unseen),
    }


def explosion(measured: Measured) -> Figures:
    """Whether the queue grows without end."""
    grown = measured.growth
    values = {"slope": grown.slope, "low_slope": grown.low, "high_slope": grown.high, "exploding": grown.exploding}
    return {name: (value, grown.why) for name, value in values.items()}


def judge(measured: Measured, quantile: float) -> tuple[Verdict, str]:
    """Whether the point shows what the server does at that load, and why not."""
    trial = measured.trial
    if late := [one for one in trial.in_time if generator_was_late(one, quantile)]:
        share = max(one.late_send_share for one in late)
        return "unsettled", f"the load generator was the limit: it was late for {share:.1%} of requests"
    if measured.run.unsent:
        return "unsettled", f"the queue was hopeless: {measured.run.unsent} of {trial.requests} requests were not sent"
    if trial.lost:
        return "unsettled", f"{trial.lost} of {trial.requests} requests had no answer when the wait for them ended"
    if abs(measured.drift_share) > DRIFT_LIMIT:
        return "unsettled", f"the machine's speed changed by {measured.drift_share:+.0%} meanwhile"
    half_width = max((one.high_share - one.low_share) / 2 for one in trial.in_time)
    why = f"the 95 % intervals of the shares in time are ± {half_width:.1%} or narrower"
    return ("settled" if half_width <= SETTLED_HALF_WIDTH else "unsettled"), why


def generator_was_late(found: InTime, quantile: float) -> bool:
    """Whether more requests left late than may be late at all."""
    return found.late_send_share > 1 - quantile
