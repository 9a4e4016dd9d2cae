"""The report of the live benchmark: means over the rounds of live runs, and the distance to the simulation."""

import statistics
from collections.abc import Iterator, Sequence

from figures import Figure
from live_settings import Setting

from orchestrators.live.outcome import Outcome
from orchestrators.simulation import Result
from orchestrators.simulation.result import Figures


def figures(setting: Setting, outcomes: dict[str, list[Outcome]]) -> Iterator[tuple[str, Figure]]:
    """The means over the rounds; shares of requests are weighted with the requests."""
    for name, runs in outcomes.items():
        head = f"{setting.name}, {name}"
        goals = dict.fromkeys(("late", "cpu", "accuracy", "lost"), "")
        if name == "trivial":
            cpu, accuracy = ("to reach: 60", "to reach: 90") if setting.servers == 1 else ("", "")
            goals = {"late": f"to reach: {100 * setting.late_goal:g}", "cpu": cpu, "accuracy": accuracy}
            goals["lost"] = "to reach: 0"
        outside, whole = [one.outside_stalls for one in runs], [one.whole for one in runs]
        stalled = sum(one.stalled_seconds for one in runs)
        yield f"{head}: late outside stalls", Figure(
            100 * late_share([one.all_tasks for one in outside]), "%",
            note=f"{goals['late']}; of {sum(one.all_tasks.sent for one in outside)} requests; "
            f"{stalled} stalled seconds left out",
        )  # fmt: skip
        yield f"{head}: late in all", Figure(100 * late_share([one.all_tasks for one in whole]), "%")
        yield f"{head}: CPU of the servers", Figure(100 * mean(one.cpu_share for one in whole), "%", note=goals["cpu"])
        yield (
            f"{head}: normalised accuracy",
            Figure(100 * mean(one.all_tasks.normalised_accuracy for one in whole), "%", note=goals["accuracy"]),
        )
        yield f"{head}: lost or wrong", Figure(
            sum(one.all_tasks.lost + one.all_tasks.wrong for one in whole), "requests",
            note=f"{goals['lost']}; {sum(one.switches for one in runs)} switches, "
            f"{sum(one.failed_switches for one in runs)} of them failed",
        )  # fmt: skip


def against_simulation(
    setting: Setting, live: Sequence[Outcome], simulated: Sequence[Result]
) -> Iterator[tuple[str, Figure]]:
    """The distance of the simulation from the live runs, in percentage points."""
    found = [one.outside_stalls.all_tasks for one in live]
    results = [one.all_tasks for one in simulated]
    pairs = {
        "late": (late_share(found), late_share(results)),
        "accuracy": (mean(one.accuracy for one in found), mean(one.accuracy for one in results)),
    }
    for name, (observed, expected) in pairs.items():
        note = f"to reach: 2 at most; simulated {100 * expected:.2f} %, live outside stalls {100 * observed:.2f} %"
        yield (
            f"{setting.name}: simulated {name} less live",
            Figure(100 * (expected - observed), "points", note=note),
        )


def late_share(parts: Sequence[Figures]) -> float:
    """The late share of all sent requests."""
    sent = sum(one.sent for one in parts)
    return sum(one.sent * (1 - (one.in_time_share or 0.0)) for one in parts) / sent


def mean(values: Iterator[float | None]) -> float:
    return statistics.fmean(value for value in values if value is not None)
