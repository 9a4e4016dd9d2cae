"""Memory by batch, of the server and of a process of its own, and the largest batch within a limit.

The serving processes are what a scheduler must make room for. A fresh process that answers one batch and does
nothing else comes out the same each time, with every server: so batches and variants compare.
"""

from functools import partial

from profiler.common.profile_settings import MemorySettings
from profiler.common.target import Resources, Target
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements
from profiler.measure.memory.batch_trial import Work, attempt
from profiler.measure.memory.largest_batch import largest_batch
from profiler.measure.memory.served import Used, served_memory
from profiler.records.base import MissingValues, Point
from profiler.records.latency import LatencyPoint
from profiler.records.memory import LargestBatch, MemoryPoint
from profiler.records.place import Place, Source
from profiler.target.model_under_test import ModelUnderTest

START_S, LOAD_S, SERVED_ANSWERS, CHILD_ANSWERS = 0.7, 1.2, 10, 3
CHILD_LIMIT_S = 60.0


def measurements(model: ModelUnderTest, settings: MemorySettings, ledger: Ledger) -> Measurements:
    """Every batch by the server and by a child, then the search."""
    work, limit_bytes = child_work(model), model.target.memory_bytes
    alone = Resources(model.own.cores, model.own.threads, instances=1)
    image_s = seconds_per_image(ledger)
    for batch in sorted(settings.batches):
        if not model.in_process:
            place = Place(model.runtime, model.own, batch, source="served processes")
            seconds = LOAD_S + SERVED_ANSWERS * batch * image_s
            yield Measurement(MemoryPoint, place, seconds, partial(measure_served, model, place))
        place = Place(work.target.runtime, alone, batch, source="child process")
        seconds = START_S + CHILD_ANSWERS * batch * image_s
        yield Measurement(MemoryPoint, place, seconds, partial(measure_child, work, place))
    place = Place(work.target.runtime, alone, limit_bytes=limit_bytes)

    def measure_largest() -> list[Point]:
        return [largest_batch(work, place, settings.seconds)]

    yield Measurement(LargestBatch, place, 0.0 if limit_bytes is None else settings.seconds, measure_largest)


def child_work(model: ModelUnderTest) -> Work:
    """The target's runtime in a process of its own; a server's stands for the ONNX Runtime in it."""
    target = model.target
    own = Target(
        runtime=target.computes_in,
        cores=target.cores,
        threads=target.threads,
        providers=target.providers,
        gpu=target.gpu,
    )
    return Work(own, model.path, model.shapes[0], model.cores(model.own))


def seconds_per_image(ledger: Ledger) -> float:
    """What an image of the largest batch took, 0 where no latency is known."""
    points = ledger.of(LatencyPoint)
    largest = max(points, key=lambda point: point.batch, default=None)
    return largest.mean_ms / 1e3 / largest.batch if largest else 0.0


def measure_served(model: ModelUnderTest, place: Place) -> list[MemoryPoint]:
    """The point of the processes that serve the model."""
    return [memory_point("served processes", place, served_memory(model, place.batch))]


def measure_child(work: Work, place: Place) -> list[MemoryPoint]:
    """The point, without figures but with a reason where the child did not get through."""
    found = attempt(work, place.batch, None, CHILD_LIMIT_S)
    report, (gpu, no_gpu) = found.report, found.gpu
    used = Used(
        resident_bytes=report.resident_bytes if report else None,
        model_bytes=report.resident_bytes - report.before_bytes if report else None,
        peak_bytes=report.answer_peak_bytes if report else None,
        why=found.reason,
        why_no_peak=found.reason or "the system does not let a process start its peak anew",
        gpu_bytes=gpu,
        why_no_gpu=no_gpu,
    )
    return [memory_point("child process", place, used)]


def memory_point(source: Source, place: Place, used: Used) -> MemoryPoint:
    """The record of what processes used at a place."""
    missing = MissingValues()
    return MemoryPoint(
        **place.fields(),
        source=source,
        batch=place.batch,
        resident_bytes=missing.note("resident_bytes", used.resident_bytes, used.why),
        model_bytes=missing.note("model_bytes", used.model_bytes, used.why),
        peak_bytes=missing.note("peak_bytes", used.peak_bytes, used.why_no_peak),
        gpu_bytes=missing.note("gpu_bytes", used.gpu_bytes, used.why_no_gpu),
        reasons=missing.reasons,
    )
