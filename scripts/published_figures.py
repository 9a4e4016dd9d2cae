"""The figures of `benchmark_published.py`, from the profiles that it left."""

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from figures import Figure

from porting.repository.compare import differ
from porting.repository.figures import figures as published
from porting.repository.schema import Figure as Published
from profiler.analysis.statistics import median_interval
from profiler.common.files import read_record
from profiler.records.profile import Profile

PERF_ANALYZER = ".perf_analyzer"
KINDS = {
    "throughput": ("images_per_s", "single_images_per_s"), "p50": ("p50_ms",), "p99": ("p99_ms",),
    "relative throughput": ("relative_throughput", "relative_single_throughput"), "relative p50": ("relative_p50",),
}  # fmt: skip
OFF_SHARE = 0.05


def profiles(folder: Path, name: str) -> list[Path]:
    """The profiles of one network in all rounds."""
    return sorted(folder.glob(f"*/{name.replace(' ', '-')}.json"))


def figures_of(path: Path) -> dict[str, Published]:
    """What would be published of a profile."""
    return published(None, read_record(path, Profile, ""))[0]


def all_pairs(found: Sequence[dict[str, Published]], metrics: Sequence[str]) -> Iterator[tuple[Published, Published]]:
    """Every pair of profiles that both have one of the figures with an interval."""
    for metric in metrics:
        known = [one[metric] for one in found if metric in one and one[metric][1] is not None]
        yield from itertools.combinations(known, 2)


def apart(one: Published, other: Published) -> bool:
    """Whether two intervals do not touch."""
    (_, low, high), (_, other_low, other_high) = one, other
    return bool(low and high and other_low and other_high) and (high < other_low or other_high < low)  # type: ignore[operator]


def share(of: Sequence[bool]) -> float | None:
    """The share of what holds, in percent."""
    return float(np.mean(of)) * 100 if of else None


def cv(found: Sequence[dict[str, Published]], metric: str) -> float | None:
    """The coefficient of variation of a figure over all profiles, in percent."""
    values = [one[metric][0] for one in found if metric in one]
    return float(np.std(values, ddof=1) / np.mean(values)) * 100 if len(values) > 1 else None


def profile_figures(folder: Path, name: str) -> dict[str, Figure]:
    """How many profiles of one network succeeded, their time, and how much their figures vary."""
    paths = profiles(folder, name)
    found = [figures_of(path) for path in paths]
    tried = len(list(folder.glob(f"*/{name.replace(' ', '-')}.seconds")))
    rows = {"published at the first try": Figure(float(len(found)), "profiles", None, f"of {tried}")}
    seconds = [float(path.with_suffix(".seconds").read_text()) for path in paths]
    drift = [read_record(path, Profile, "").reference.drift_sd_share * 100 for path in paths]
    if paths:
        ends, note = (min(seconds), max(seconds)), "with the start of the server; range"
        rows["time of a profile"] = Figure(float(np.median(seconds)), "s", ends, note)
        rows["drift of the reference"] = Figure(float(np.median(drift)), "%", (min(drift), max(drift)), "range")
    for metric in ("relative_throughput", "images_per_s", "relative_single_throughput", "single_images_per_s"):
        rows[f"CV of {metric}"] = Figure(cv(found, metric), "%", None, f"{len(found)} profiles")
    return {f"{row}, {name}": one for row, one in rows.items()}


def agreement_figures(folder: Path, names: Sequence[str]) -> dict[str, Figure]:
    """How often two profiles of the same bytes contradict each other, over all networks."""
    found = {name: [figures_of(path) for path in profiles(folder, name)] for name in names}
    rows = {}
    for kind, metrics in KINDS.items():
        for what, test in (("intervals do not touch", apart), ("compare calls different", differ)):
            by_name = {name: [test(*pair) for pair in all_pairs(one, metrics)] for name, one in found.items()}
            every = [one for results in by_name.values() for one in results]
            worst = max(by_name, key=lambda name: share(by_name[name]) or 0.0)
            note = f"of {len(every)} pairs of profiles in workspaces of their own; most for {worst}: "
            note += f"{sum(by_name[worst])} of {len(by_name[worst])}"
            rows[f"pairs of the same bytes whose {what}, {kind}"] = Figure(share(every), "%", None, note)
    return rows


def pair_figures(folder: Path, name: str) -> dict[str, Figure]:
    """The published maximum against perf_analyzer at the same batch and concurrency."""
    ratios, inside = [], []
    for path in profiles(folder, name):
        kept = path.with_suffix(PERF_ANALYZER)
        theirs = json.loads(kept.read_text())["images_per_s"] if kept.exists() else None
        ours = figures_of(path)
        # A disturbed figure is flagged, and has no ratio.
        if theirs and "relative_throughput" in ours:
            value, low, high = ours["images_per_s"]
            ratios.append(value / theirs)
            inside.append(low is not None and high is not None and low <= theirs <= high)
    if not ratios:
        return {}
    middle = median_interval(ratios)
    ends = None if middle.low is None or middle.high is None else (middle.low, middle.high)
    note = f"{len(ratios)} pairs in turns at the same batch and concurrency; interval: 95 % of the median"
    return {
        f"published throughput against perf_analyzer, {name}": Figure(middle.value, "ratio", ends, note),
        f"perf_analyzer inside the published interval, {name}": Figure(
            share(inside), "%", None, f"{len(inside)} pairs"
        ),
    }


def busy_figures(quiet: Path, busy: Path, count: int, names: Sequence[str]) -> dict[str, Figure]:
    """The figures beside busy processes that are off by more than 5 % of the quiet median and rank all the same."""
    off, flags, seen = [], 0, 0
    for name in names:
        undisturbed = [figures_of(path) for path in profiles(quiet, name)]
        path = busy / f"{count:02}" / f"{name.replace(' ', '-')}.json"
        here = figures_of(path) if path.exists() else {}
        for metric, relative in (("images_per_s", "relative_throughput"), ("p50_ms", "relative_p50")):
            usual = [one[metric][0] for one in undisturbed if metric in one]
            if metric in here and usual:
                seen += 1
                flagged = relative not in here
                flags += flagged
                wrong = abs(here[metric][0] / float(np.median(usual)) - 1) > OFF_SHARE
                off += [f"{name} {metric}"] if wrong and not flagged else []
    note = f"of {seen} figures, {flags} of which are flagged: {', '.join(off) or 'none'}"
    return {
        f"beside {count} busy processes, off by more than 5 % and not flagged": Figure(len(off), "figures", None, note)
    }


def slow_down_figures(folder: Path, usual: str, slower: str) -> dict[str, Figure]:
    """How often a network that takes 5 % longer is flags from the usual one, by the figures that compare."""
    before, after = ([figures_of(path) for path in profiles(folder, name)] for name in (usual, slower))
    rows = {}
    for metric in ("relative_throughput", "relative_single_throughput", "relative_p50", "images_per_s", "p50_ms"):
        pairs = [(one[metric], two[metric]) for one in before for two in after if metric in one and metric in two]
        ratio = float(np.median([two[0] / one[0] for one, two in pairs])) if pairs else float("nan")
        note = f"{len(pairs)} pairs of profiles, at a level of 2 %; median ratio {ratio:.3f}"
        rows[f"a network 5 % longer is flags apart by {metric}"] = Figure(
            share([differ(*p) for p in pairs]), "%", None, note
        )
    return rows
