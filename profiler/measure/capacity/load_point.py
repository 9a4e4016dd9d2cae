"""What becomes of a served model under a share of its maximal throughput."""

import numpy as np

from profiler.analysis.statistics import percentile, samples_for_percentile, too_few
from profiler.measure.capacity.trial import Measured
from profiler.measure.capacity.trial_meter import BATCH, TrialMeter
from profiler.records.base import NOT_VISIBLE, MissingValues, Verdict
from profiler.records.capacity import InTime, LoadPoint
from profiler.records.place import Place

SETTLED_HALF_WIDTH = 0.05
DRIFT_LIMIT = 0.2


def measure_load(meter: TrialMeter, load_share: float, seconds: float, quantile: float, seed: int) -> LoadPoint:
    """Poisson arrivals at a share of the maximum that the machine has at this moment."""
    measured = meter.run(load_share * meter.most.relative, seconds, seed)
    resources = meter.resources
    name = f"load_{load_share:g}_cores_{resources.cores:g}_x{resources.instances}"
    meter.model.samples[f"{name}_moments_s"] = measured.raw()
    return load_point(meter, measured, load_share, quantile)


def load_point(meter: TrialMeter, measured: Measured, load_share: float, quantile: float) -> LoadPoint:
    """The record of what was measured at that share."""
    run, trial, grown, missing = measured.run, measured.trial, measured.growth, MissingValues()
    verdict, why = judge(measured, quantile)
    used_s = measured.server_cpu_s
    cores = None if used_s is None else used_s / run.wall_s
    cpu_share = None if cores is None else cores / meter.resources.cores
    each_s = None if used_s is None else used_s / (run.answered * BATCH)
    return LoadPoint(
        **Place(meter.model.runtime, meter.resources).fields(),
        batch=BATCH,
        load_share=load_share,
        max_requests_per_s=meter.most.per_s,
        offered_per_s=trial.offered_per_s,
        relative_offered=trial.relative_offered,
        requests=trial.requests,
        answered=run.answered,
        lost=trial.lost,
        in_time=trial.in_time,
        p50_ms=quantile_ms("p50_ms", 0.5, measured, missing),
        p90_ms=quantile_ms("p90_ms", 0.9, measured, missing),
        p95_ms=quantile_ms("p95_ms", 0.95, measured, missing),
        p99_ms=quantile_ms("p99_ms", 0.99, measured, missing),
        server_cores_used=missing.note("server_cores_used", cores, NOT_VISIBLE),
        cpu_share=missing.note("cpu_share", cpu_share, NOT_VISIBLE),
        core_s_per_inference=missing.note("core_s_per_inference", each_s, NOT_VISIBLE),
        slope=missing.note("slope", grown.slope, grown.why),
        low_slope=missing.note("low_slope", grown.low, grown.why),
        high_slope=missing.note("high_slope", grown.high, grown.why),
        exploding=missing.note("exploding", grown.unstable, grown.why),
        verdict=verdict,
        verdict_reason=why,
        noise=meter.noise.read(measured.reference_per_s, meter.reference.kind),
        reasons=missing.reasons,
    )


def quantile_ms(name: str, quantile: float, measured: Measured, missing: MissingValues) -> float | None:
    """The quantile over all that was scheduled: what was lost came later than everything else."""
    run, trial = measured.run, measured.trial
    if trial.requests >= samples_for_percentile(quantile) and trial.lost >= (1 - quantile) * trial.requests:
        return missing.note(name, None, f"{trial.lost} of {trial.requests} requests were lost")
    samples = (np.nan_to_num(run.latencies_s, nan=np.nanmax(run.latencies_s)) * 1e3).tolist()
    return missing.note(name, percentile(samples, quantile), too_few(quantile, trial.requests))


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
