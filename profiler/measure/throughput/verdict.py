"""Whether a rate can be taken for the maximum, and why not."""

from profiler.analysis.statistics import RatioInterval
from profiler.records.base import Noise, Verdict

SETTLED_HALF_WIDTH = 0.05
CLIENT_LIMIT = 0.9
STILL_ROSE = "more callers may bring more: the search ended before two steps without a gain"


def judge(relative: RatioInterval, client_share: float, saturated: bool, in_process: bool) -> tuple[Verdict, str]:
    """Whether an undisturbed point can be taken for the maximum, and why not."""
    if not in_process and client_share > CLIENT_LIMIT:
        return "not saturated", f"the load generator was busy for {client_share:.0%} of a core: it may be the limit"
    if not saturated:
        return "not saturated", STILL_ROSE
    if relative.low is None or relative.high is None:
        return "unsettled", "too few slices for an interval"
    half_width = (relative.high - relative.low) / 2 / relative.ratio
    why = f"the 95 % interval of its ratio to the reference is ± {half_width:.1%}"
    return ("unsettled" if half_width > SETTLED_HALF_WIDTH else "settled"), why


def disturbed(noise: Noise) -> str:
    """The reason why a point is disturbed, in words."""
    others = f" by {', '.join(noise.busiest)}" if noise.busiest else ", by nothing that is visible from here"
    return f"{noise.thrown_share:.0%} of the slices were disturbed{others}: measure again on a quiet machine"
