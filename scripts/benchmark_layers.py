"""The sum of the measured layers against the latency of the same file in the same moments.

`--seconds` is the time for one of the `--rounds` of a network. A quiet machine needs about a minute.
"""

import argparse
from collections.abc import Iterator

import numpy as np
from benchmark_networks import Network, networks
from figures import ROOT, Figure, record

from profiler.common.target import Target
from profiler.measure.layers.part import BATCH, measure_layers
from profiler.records.layer_time import LayerTimes
from profiler.records.place import Place
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import PreparedTarget, prepared_target

FOLDER = ROOT / "artifacts" / "benchmark_profiler" / "networks"


def rounds(ready: PreparedTarget, network: Network, count: int, seconds: float) -> Iterator[LayerTimes]:
    """The times of the layers, measured again in each round."""
    with ModelUnderTest(ready, network.path) as model:
        for _ in range(count):
            yield measure_layers(model, Place(model.target.computes_in, model.own, BATCH), seconds)


def figure(found: list[LayerTimes]) -> Figure:
    """The median share over the rounds, with their range."""
    shares, first = [one.sum_share for one in found], found[0]
    disturbed = sum(one.noise.disturbed for one in found)
    note = (
        f"{len(found)} rounds, {disturbed} disturbed; {len(first.layers)} nodes, latency {first.latency_ms:.3g} ms, "
        f"with the clock {first.clocked_ms:.3g} ms; interval: range"
    )
    return Figure(float(np.median(shares)), "ratio", (min(shares), max(shares)), note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    found: dict[str, Figure] = {}
    with prepared_target("local_cpu", Target(runtime="onnxruntime")) as ready:
        for network in networks(FOLDER):
            name = f"layers and call over latency, {network.name}"
            found[name] = figure(list(rounds(ready, network, given.rounds, given.seconds)))
    record("layers", found)


if __name__ == "__main__":
    main()
