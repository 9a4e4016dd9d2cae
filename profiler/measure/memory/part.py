"""Memory by batch, of the server and of a process of its own, and the largest batch within a limit.

The serving processes are what a scheduler must make room for. A fresh process that answers one batch and does
nothing else comes out the same each time, with every server: so batches and variants compare.
"""

from functools import partial

from profiler.common.profile_settings import MemorySettings
from profiler.common.resources import Resources
from profiler.common.target import Target
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Task, Tasks
from profiler.measure.memory.batch_trial import Work, attempt
from profiler.measure.memory.largest_batch import largest_batch
from profiler.measure.memory.served import served_memory
from profiler.records.base import Point
from profiler.records.latency import LatencyPoint
from profiler.records.memory import LargestBatch, MemoryPoint
from profiler.system.missing_values import unknown
from profiler.target.model_under_test import Subject

START_S, LOAD_S, SERVED_ANSWERS, CHILD_ANSWERS = 0.7, 1.2, 10, 3
CHILD_LIMIT_S = 60.0


def tasks(subject: Subject, settings: MemorySettings, ledger: Ledger) -> Tasks:
    """Every batch by the server and by a child, then the search."""
    target, work = subject.bench.target, child_work(subject)
    alone = Resources(target.cores, target.threads, instances=1)
    image_s = seconds_per_image(ledger)
    for batch in sorted(settings.batches):
        if subject.bench.host.address is not None:
            place = at("served processes", subject.bench.host.runtime, target.resources, batch)
            measure = partial(measure_served, subject, place, batch)
            yield Task(MemoryPoint, place, LOAD_S + SERVED_ANSWERS * batch * image_s, measure)
        place = at("child process", work.target.runtime, alone, batch)
        yield Task(
            MemoryPoint, place, START_S + CHILD_ANSWERS * batch * image_s, partial(measure_child, work, place, batch)
        )
    place = {
        "runtime": work.target.runtime,
        "limit_bytes": target.memory_bytes,
        "cores": alone.cores,
        "threads": alone.threads,
        "instances": alone.instances,
    }

    def measure_largest() -> list[Point]:
        return [largest_batch(work, place, target.memory_bytes, settings.seconds)]

    yield Task(LargestBatch, place, 0.0 if target.memory_bytes is None else settings.seconds, measure_largest)


def child_work(subject: Subject) -> Work:
    """The target's runtime in a process of its own; a server's stands for the ONNX Runtime in it."""
    target = subject.bench.target
    runtime = "torch" if target.runtime == "torch" else "onnxruntime"
    own = Target(runtime=runtime, cores=target.cores, threads=target.threads, providers=target.providers)
    return Work(own, subject.path, subject.shapes[0], subject.cores(target.resources))


def seconds_per_image(ledger: Ledger) -> float:
    """What an image of the largest batch took, 0 where no latency is known."""
    points = ledger.of(LatencyPoint)
    largest = max(points, key=lambda point: point.batch, default=None)
    return largest.mean_ms / 1e3 / largest.batch if largest else 0.0


def at(source: str, runtime: str, resources: Resources, batch: int) -> dict[str, object]:
    """Where memory is measured."""
    return {
        "source": source,
        "runtime": runtime,
        "batch": batch,
        "cores": resources.cores,
        "threads": resources.threads,
        "instances": resources.instances,
    }


def measure_served(subject: Subject, place: dict[str, object], batch: int) -> list[MemoryPoint]:
    return [MemoryPoint.model_validate({**place, **served_memory(subject, batch)})]


def measure_child(work: Work, place: dict[str, object], batch: int) -> list[MemoryPoint]:
    """The point, without figures but with a reason where the child did not get through."""
    found = attempt(work, batch, None, CHILD_LIMIT_S)
    report, (gpu, no_gpu) = found.report, found.gpu
    figures = {
        "resident_bytes": report and report.resident_bytes,
        "model_bytes": report and report.resident_bytes - report.before_bytes,
        "peak_bytes": report and report.answer_peak_bytes,
        "gpu_bytes": gpu,
    }
    why = found.reason or "the system does not let a process start its peak anew"
    reasons = unknown(figures, why) | unknown({"gpu_bytes": gpu}, no_gpu)
    return [MemoryPoint.model_validate({**place, **figures, "reasons": reasons})]
