"""The time of each layer of the served file, in a warm session of the profiler's own process."""

import time

from profiler.common.errors import UnavailableError
from profiler.common.profile_settings import LayerSettings
from profiler.common.scratch import scratch
from profiler.common.target import Resources, Target
from profiler.graph.fusion import named_by_output
from profiler.graph.read import inlined, read_onnx
from profiler.load_generator.reference import Reference
from profiler.measure.layers.clocked_runs import ClockCost, Runs
from profiler.measure.layers.point import layer_nodes, layer_times
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements
from profiler.records.layer_time import LayerTimes
from profiler.records.place import Place
from profiler.runtimes.inputs import sample_input
from profiler.runtimes.kernel_clock import optimised_graph
from profiler.system.machine import pinned
from profiler.target.disturbance import Watch
from profiler.target.model_under_test import ModelUnderTest

BATCH, FEWEST_SLICES = 1, 3
# The time for the sessions and the cost of the clock.
OVERHEAD_S = 1.0


def measurements(model: ModelUnderTest, settings: LayerSettings, _ledger: Ledger) -> Measurements:
    """One point, of batch 1 on the target's cores and threads."""
    place = Place(model.target.computes_in, Resources(model.own.cores, model.own.threads, instances=1), BATCH)
    yield Measurement(
        LayerTimes, place, OVERHEAD_S + settings.seconds, lambda: [measure_layers(model, place, settings.seconds)]
    )


def check_measurable(target: Target) -> None:
    """Raises `UnavailableError` for a target whose layers are not those that ONNX Runtime computes on a processor."""
    if target.runtime in ("torch", "v2"):
        serves = (
            "torch serves another program than this file" if target.runtime == "torch" else "a v2 server may be any"
        )
        raise UnavailableError(f"only ONNX Runtime has a clock for layers, and {serves}: choose runtime=onnxruntime")
    if target.providers != ("cpu",):
        given = ", ".join(target.providers)
        raise UnavailableError(f"ONNX Runtime's clock measures layers on providers=[cpu] only, not on {given}")


def measure_layers(model: ModelUnderTest, place: Place, seconds: float) -> LayerTimes:
    """The point of this place; raises `UnavailableError` where the target has no such layers."""
    check_measurable(model.target)
    file, shape, threads = inlined(read_onnx(model.path)), model.shapes[0], place.resources.threads
    reference, cores = model.in_process_reference, model.cores(place.resources)
    with scratch("layers") as made, pinned(cores):
        folder = made.folder / "file"
        runs = Runs(named_by_output(file), threads, folder, sample_input(shape, place.batch))
        cost = ClockCost(threads, made.folder)
        watch = model.watch(reference, cores, seconds, FEWEST_SLICES)
        take_slices(runs, cost, watch, reference)
        seen = watch.end()
        model.thrown_s += seen.thrown_s
        return layer_times(place, runs, cost, seen, layer_nodes(file, shape, optimised_graph(folder)))


def take_slices(runs: Runs, cost: ClockCost, watch: Watch, reference: Reference) -> None:
    """Fills the watch with slices, each of which has runs without the clock, with it, and of the reference."""
    before = reference.rate_per_s(0.0)
    while watch.going_on():
        start = time.perf_counter()
        took_s = runs.slice() + cost.slice()
        after = reference.rate_per_s(took_s)
        watch.slice((before + after) / 2, time.perf_counter() - start)
        before = after
