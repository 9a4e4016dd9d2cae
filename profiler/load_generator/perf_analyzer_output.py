"""What perf_analyzer prints, read into points.

Its CSV export has less: no windows, and nothing at all of a point that did not settle.
"""

import re
from typing import Any, Literal

from profiler.records.base import Record

BEGINS = "Request concurrency: "
WINDOW = re.compile(r"Pass \[\d+\] throughput: (\S+) infer/sec")
THROUGHPUT = re.compile(r"^ +Throughput: (\S+) infer/sec", re.MULTILINE)
PERCENTILE = re.compile(r"^ +p(50|90|95|99) latency: (\d+) usec", re.MULTILINE)
MS_PER_US = 1e-3


class PerfAnalyzerPoint(Record):
    """A closed loop of `concurrency` requests of `batch` inputs each, or what was seen of it before it was given up.

    The figures are over the last three of `windows_images_per_s`, which are all in their order.
    `client_cpu_share` is perf_analyzer's own, in cores, over its whole run.
    """

    batch: int
    concurrency: int
    images_per_s: float | None
    p50_ms: float | None
    p90_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    windows_images_per_s: list[float]
    client_cpu_share: float
    verdict: Literal["settled", "unsettled"]
    verdict_reason: str


def read_points(output: str, batch: int, client_cpu_share: float) -> list[PerfAnalyzerPoint]:
    """A point for each concurrency that was begun, in their order."""
    return [read_point(section, batch, client_cpu_share) for section in output.split(BEGINS)[1:]]


def read_point(section: str, batch: int, client_cpu_share: float) -> PerfAnalyzerPoint:
    """From what stands between one concurrency and the next."""
    throughput = THROUGHPUT.search(section)
    windows = [float(value) for value in WINDOW.findall(section)]
    figures: dict[str, Any] = dict.fromkeys(("images_per_s", "p50_ms", "p90_ms", "p95_ms", "p99_ms"))
    if throughput:
        percentiles = {f"p{q}_ms": float(value) * MS_PER_US for q, value in PERCENTILE.findall(section)}
        figures |= percentiles | {"images_per_s": float(throughput[1])}
    why = f"its last windows agreed after {len(windows)}" if throughput else last_words(section)
    return PerfAnalyzerPoint(
        batch=batch,
        concurrency=int(section.split(maxsplit=1)[0]),
        windows_images_per_s=windows,
        client_cpu_share=client_cpu_share,
        verdict="settled" if throughput else "unsettled",
        verdict_reason=why,
        reasons={name: f"perf_analyzer gave the point up: {why}" for name, value in figures.items() if value is None},
        **figures,
    )


def last_words(output: str) -> str:
    """What it says of an error, on one line, without the figures before it."""
    lines = [line.strip() for line in output.splitlines()]
    telling = [line for line in lines if re.search(r"error|fail", line, re.IGNORECASE)] or lines
    return " | ".join(line for line in telling if line)[:400] or "it printed nothing"
