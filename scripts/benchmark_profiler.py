"""The time of the profiler beside NVIDIA's perf_analyzer on the same server, and the figures of its levels.

`benchmark_published.py` measures how far published figures hold.

`--perf-analyzer PROGRAM` names the program where it is not on the PATH. Finished sections stay in
artifacts/benchmark_profiler and are not measured again. Remove that folder to start from the beginning.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from benchmark_networks import Network, networks
from figures import ROOT, Figure, record
from scipy.stats import spearmanr

from profiler.common.profile_settings import LevelSettings
from profiler.common.target import Target
from profiler.load_generator.perf_analyzer import PerfAnalyzer, Windows, find_perf_analyzer
from profiler.profiling import profile_file
from profiler.records.profile import Profile
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import PreparedTarget, prepared_target

FOLDER = ROOT / "artifacts" / "benchmark_profiler"
SWEEPS = 1
CONCURRENCY, BATCH = 4, 1
ANALYZER_LIMIT_S = 200.0

Section = dict[str, list[float]]


@contextmanager
def model(ready: PreparedTarget, network: Network) -> Iterator[ModelUnderTest]:
    """A network on the prepared target."""
    with ModelUnderTest(ready, network.path) as found:
        yield found


def analyzer(program: Path, on: ModelUnderTest, images: int) -> PerfAnalyzer:
    """perf_analyzer on the same model of the same server, with the same images."""
    on.serve()
    return PerfAnalyzer(program, str(on.prepared.host.address), on.name, "input", on.expectation.images(images))


def sweeps(ready: PreparedTarget, network: Network, program: Path, level: LevelSettings) -> Section:
    """Concurrency 1 to saturation: the project's throughput part, and perf_analyzer's own sweep over 1 to 4."""
    found: Section = {"ours_s": [], "theirs_s": [], "their_given_up": []}
    for _ in range(SWEEPS):
        only = level.model_copy(update={"latency": None, "warm_up": None})
        profile = measured(ready, network, only)
        found["ours_s"].append(sum(part.seconds for part in profile.parts))
        with model(ready, network) as on:
            other = analyzer(program, on, BATCH)
            with on.driving():
                start = time.perf_counter()
                points = other.sweep(BATCH, f"1:{CONCURRENCY}", Windows(), ANALYZER_LIMIT_S)
                found["theirs_s"].append(time.perf_counter() - start)
        found["their_given_up"].append(float(any(point.verdict != "settled" for point in points)))
    return found


def measured(ready: PreparedTarget, network: Network, level: LevelSettings) -> Profile:
    """One whole profile, with its missing points."""
    return profile_file(ready, network.path, level, None, lambda *_: None, lambda _: None)


def quick(ready: PreparedTarget, network: Network, level: LevelSettings) -> Section:
    """The time and the figures of the quick level, and the linearity of the latency in the batch."""
    profile = measured(ready, network, level)
    best, latency = profile.best_throughput(), profile.latency_at(1)
    linear = [fit for fit in profile.fits if fit.form == "linear in batch"]
    return {
        "seconds": [profile.seconds],
        "flops": [float(profile.complexity.flops or "nan")],
        "relative_p50": [latency.relative_p50 or float("nan") if latency else float("nan")],
        "relative_throughput": [best.relative_throughput if best else float("nan")],
        "residual": [fit.median_relative_residual for fit in linear[:1]],
    }


def full(ready: PreparedTarget, network: Network, level: LevelSettings) -> Section:
    """The time of the full level, and the numbers of its points with a figure or with a verdict and a reason."""
    profile = measured(ready, network, level)
    points = list(profile.points())
    return {
        "seconds": [profile.seconds],
        "points": [float(len(points))],
        "missing": [float(len(profile.missing))],
        "with_verdict": [float(sum(bool(one.reason) for one in profile.missing))],
        "settled": [float(sum(one.verdict == "settled" for one in profile.max_throughput))],
        "maxima": [float(len(profile.max_throughput))],
    }


def kept(name: str, measure: Callable[[], Section]) -> Section:
    """A section from its file, or measured now and written to the file."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        print(f"measuring {name}", flush=True)
        found = measure()
        FOLDER.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1))
    section: Section = json.loads(path.read_text())
    return section


def settings(name: str) -> LevelSettings:
    """A level of conf/profile."""
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = compose("config", [f"profile={name}"])
    return LevelSettings.model_validate(OmegaConf.to_container(config.profile, resolve=True))


def spread(values: list[float]) -> tuple[float, float]:
    return min(values), max(values)


def figures(found: dict[str, dict[str, Section]]) -> dict[str, Figure]:
    """The figures of all sections."""
    rows: dict[str, Figure] = {}
    for name, section in found["sweeps"].items():
        ours, theirs = float(np.median(section["ours_s"])), float(np.median(section["theirs_s"]))
        given_up = sum(section["their_given_up"])
        note = f"perf_analyzer's default sweep over 1 to {CONCURRENCY}: {theirs:.1f} s, gave up {given_up:.0f} times"
        rows[f"concurrency 1 to saturation, {name}"] = Figure(ours, "s", spread(section["ours_s"]), note)
    sections = found["quick"]
    residuals = [value * 100 for section in sections.values() for value in section["residual"]]
    rows["latency linear in batch, median relative residual"] = Figure(
        float(np.median(residuals)), "%", spread(residuals), "batches 1 to 32, one core, over the networks"
    )
    times = [section["seconds"][0] for section in sections.values()]
    rows["quick level, a variant"] = Figure(float(np.median(times)), "s", spread(times), f"{len(times)} files")
    rates = [section["relative_throughput"][0] for section in sections.values()]
    for what, values in (
        ("FLOPs", [section["flops"][0] for section in sections.values()]),
        ("latency", [section["relative_p50"][0] for section in sections.values()]),
        ("inverse latency", [1 / section["relative_p50"][0] for section in sections.values()]),
    ):
        rho = float(spearmanr(values, rates).statistic)
        rows[f"rank correlation of {what} with throughput"] = Figure(
            rho, "Spearman", None, f"{len(rates)} files, local_cpu"
        )
    for name, section in found["full"].items():
        points, missing = section["points"][0], section["missing"][0]
        share = (points + section["with_verdict"][0]) / (points + missing) * 100
        note = f"{points:.0f} points, {missing:.0f} missing with their reason"
        rows[f"points with a figure or a verdict, {name}"] = Figure(share, "%", None, note)
        rows[f"full level, {name}"] = Figure(section["seconds"][0], "s", None, "budget 480 s")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--perf-analyzer", type=Path)
    program = find_perf_analyzer(parser.parse_args().perf_analyzer)
    found: dict[str, dict[str, Section]] = {name: {} for name in ("sweeps", "quick", "full")}
    everything = networks(FOLDER / "networks")
    plain = [network for network in everything if network.precision == "fp32"]
    with prepared_target("local_cpu", Target()) as ready:
        for one in plain[:2]:
            found["sweeps"][one.name] = kept(
                f"sweeps-{one.name}", partial(sweeps, ready, one, program, settings("quick"))
            )
        for one in everything:
            found["quick"][one.name] = kept(f"quick-{one.name}", partial(quick, ready, one, settings("quick")))
        for one in plain[:1]:
            found["full"][one.name] = kept(f"full-{one.name}", partial(full, ready, one, settings("full")))
    record("profiler", figures(found))


if __name__ == "__main__":
    main()
