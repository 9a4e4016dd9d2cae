"""Load: demands in requests/s for each second, and the arrival schedules that follow from them.

A demand is an array (seconds,). An arrival schedule is an array (requests,) of sorted moments in s from the start, as
the profiler's open loop takes it. A `Load` describes what the clients of every task send, and makes both.
"""

from orchestrators.load.demand import Steps, constant, overloaded_rps, poisson_arrivals
from orchestrators.load.load import Load
from orchestrators.load.manipulation import macro_trend, manipulated, random_sample, scaled_to_mean, warmed_up
from orchestrators.load.trace_files import Bandwidth, read_bandwidth, read_trace

__all__ = [
    "Bandwidth", "Load", "Steps", "constant", "macro_trend", "manipulated", "overloaded_rps", "poisson_arrivals",
    "random_sample", "read_bandwidth", "read_trace", "scaled_to_mean", "warmed_up",
]  # fmt: skip
