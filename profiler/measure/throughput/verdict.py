"""Whether a rate can be taken for the maximum, and why not."""

from profiler.analysis.statistics import RatioInterval
from profiler.records.base import Verdict

SETTLED_HALF_WIDTH = 0.05
CLIENT_LIMIT = 0.9
STILL_ROSE = "the rate still rose at the highest concurrency that was measured"


def judge(corrected: RatioInterval, client_share: float, saturated: bool, in_process: bool) -> tuple[Verdict, str]:
    """Whether the point can be taken for the maximum, and why not."""
    if not in_process and client_share > CLIENT_LIMIT:
        return "not saturated", f"the load generator was busy for {client_share:.0%} of a core: it may be the limit"
    if not saturated:
        return "not saturated", STILL_ROSE
    if corrected.low is None or corrected.high is None:
        return "unsettled", "too few slices for an interval"
    half_width = (corrected.high - corrected.low) / 2 / corrected.ratio
    if half_width > SETTLED_HALF_WIDTH:
        return "unsettled", f"the 95 % interval is ± {half_width:.1%} of the rate"
    return "settled", f"the 95 % interval is ± {half_width:.1%} of the rate"
