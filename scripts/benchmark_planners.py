"""The planning times of InfAdapter and IPA at the size of their goals and at growing sizes, on seeded random problems.

Usage: python scripts/benchmark_planners.py
"""

import math
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Literal

from figures import Figure, record

from orchestrators.planners import inf_adapter, ipa
from orchestrators.planners.inf_adapter.choices import best, choices

PROBLEMS, REPEATS = 10, 5
CORES, BATCHES = 48, (1, 2, 4, 8, 16, 32, 64, 128)
VARIANTS, STAGES = (5, 10, 20, 40), (2, 5, 10, 20)
FORMS: tuple[Literal["sum", "mean", "product"], ...] = ("sum", "mean", "product")
MS = 1e3


def inf_adapter_problem(seed: int, variants: int, gamma: float = 0.001) -> inf_adapter.Problem:
    """A random problem: more accurate variants are slower, capacities grow sublinearly, some variants have cores."""
    draw = random.Random(seed)  # noqa: S311, a seed is no secret
    found = []
    for number in range(variants):
        share, power = number / variants, draw.uniform(0.8, 1.0)
        rate = 60 * math.exp(-3 * share) * draw.uniform(0.7, 1.3)
        found.append(inf_adapter.Variant(
            name=f"v{number}", accuracy=0.6 + 0.25 * (share + draw.random() / variants),
            load_time_s=draw.uniform(2, 20) * (1 + share),
            capacity_rps={cores: rate * cores**power for cores in range(1, CORES + 1)},
        ))  # fmt: skip
    return inf_adapter.Problem(
        variants=found,
        demand_rps=draw.uniform(0.05, 0.6) * max(one.capacity_rps[CORES] for one in found),
        max_cores=CORES,
        previous={one.name: draw.randint(1, 8) for one in draw.sample(found, 3)},
        gamma=gamma,
    )


def ipa_problem(seed: int, stages: int, form: Literal["sum", "mean", "product"]) -> ipa.Problem:
    """A random problem with ten variants a stage, of which more accurate ones are slower.

    The latencies are linear in the batch, and the deadline binds. The weight of a core is near the worth of the
    accuracy that it gives, so a core is sometimes worth its weight, in every form.
    """
    draw = random.Random(seed)  # noqa: S311, a seed is no secret
    found, demand_rps = [], draw.uniform(5, 60)
    for stage in range(stages):
        variants = []
        for number in range(10):
            single_ms = draw.uniform(3, 8) * math.exp(0.25 * number)
            cores = 1 if single_ms < 15 else 2 if single_ms < 30 else 4
            latency_ms = {batch: 1 + single_ms * (0.4 + 0.6 * batch) / cores**0.9 for batch in BATCHES}
            variants.append(ipa.Variant(
                name=f"v{number}", accuracy=0.5 + 0.045 * (number + draw.random()), cores=cores, latency_ms=latency_ms,
                throughput_rps={batch: 0.95 * MS * batch / each_ms for batch, each_ms in latency_ms.items()},
            ))  # fmt: skip
        found.append(ipa.Stage(name=f"s{stage}", variants=variants))
    singles = [[one.latency_ms[1] for one in stage.variants] for stage in found]
    quickest_ms, slowest_ms = sum(map(min, singles)), sum(map(max, singles))
    deadline_ms = quickest_ms + draw.uniform(0.1, 1) * (slowest_ms - quickest_ms)
    beta = {"sum": 0.05, "mean": 0.05 / stages, "product": 0.05 * 0.75 ** (stages - 1)}[form]
    return ipa.Problem(stages=found, demand_rps=demand_rps, deadline_ms=deadline_ms, accuracy=form, beta=beta)


def timed(work: Sequence[Callable[[], object]]) -> list[list[float]]:
    """The milliseconds of each call, several times in turns, after one call that does not count."""
    for one in work:
        one()
    found: list[list[float]] = [[] for _ in work]
    for _ in range(REPEATS):
        for one, times in zip(work, found, strict=True):
            start = time.perf_counter()
            one()
            times.append(MS * (time.perf_counter() - start))
    return found


def figure(times: Sequence[Sequence[float]], goal_ms: float | None = None) -> Figure:
    """The median over all calls with the range, and the fastest calls, which have the least of other work."""
    every, quickest = [one for row in times for one in row], [min(row) for row in times]
    goal = "" if goal_ms is None else f"to reach: {goal_ms:g}; "
    note = (
        f"{goal}median of {len(times)} problems × {REPEATS} runs, with their range; "
        f"of the best runs: median {median(quickest):.3g}, slowest problem {max(quickest):.3g}"
    )
    return Figure(median(every), "ms", (min(every), max(every)), note)


def growth(times: dict[int, list[list[float]]]) -> Figure:
    """The fastest calls at the largest size over those at the smallest size."""
    sizes = sorted(times)
    middles = [median(min(row) for row in times[size]) for size in sizes]
    steps = ", ".join(f"{size}: {middle:.3g} ms" for size, middle in zip(sizes, middles, strict=True))
    return Figure(middles[-1] / middles[0], "×", note=f"median over problems of the best run: {steps}")


def inf_adapter_figures() -> dict[str, Figure]:
    """The goal, the growth with the variants, and the effect of each part of the algorithm."""
    times = {
        size: timed([partial(inf_adapter.solve, inf_adapter_problem(seed, size)) for seed in range(PROBLEMS)])
        for size in VARIANTS
    }
    loads = [inf_adapter_problem(seed, 20, gamma=1.0) for seed in range(PROBLEMS)]
    alone = [choices(inf_adapter_problem(seed, 20)) for seed in range(3)]
    every = [[[column for column, real in enumerate(row) if real] for row in found.real] for found in alone]
    return {
        f"inf_adapter, 20 variants × {CORES} cores": figure(times[20], goal_ms=50),
        f"inf_adapter, {VARIANTS[-1]} variants over {VARIANTS[0]}": growth(times),
        "inf_adapter, loads that weigh as much as accuracy": figure(
            timed([partial(inf_adapter.solve, one) for one in loads])
        ),
        f"inf_adapter's integer program by HiGHS alone, 20 variants × {CORES} cores": figure(
            timed([partial(best, found, columns) for found, columns in zip(alone, every, strict=True)])
        ),
    }


def ipa_figures(form: Literal["sum", "mean", "product"]) -> dict[str, Figure]:
    """The goal, and the growth with the stages."""
    times = {
        size: timed([partial(ipa.solve, ipa_problem(seed, size, form)) for seed in range(PROBLEMS)]) for size in STAGES
    }
    return {
        f"ipa, {form} of accuracies, 10 stages × 10 variants × {len(BATCHES)} batches": figure(times[10], goal_ms=1000),
        f"ipa, {form}, {STAGES[-1]} stages over {STAGES[0]}": growth(times),
    }


def main() -> None:
    figures = inf_adapter_figures()
    for form in FORMS:
        figures |= ipa_figures(form)
    record("planners", figures)


if __name__ == "__main__":
    main()
