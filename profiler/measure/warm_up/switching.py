"""Replacing a model behind its name while requests arrive."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from profiler.common.errors import ServerError
from profiler.load_generator.arrivals import poisson
from profiler.load_generator.closed_loop import ClosedLoop
from profiler.load_generator.open_loop import LEAD_S, OpenLoop, OpenRun
from profiler.load_generator.submit import submitting
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Task
from profiler.measure.warm_up.points import place
from profiler.measure.warm_up.switch_point import Switches, switch_point
from profiler.records.base import Point
from profiler.records.throughput import MaximalThroughput
from profiler.records.warm_up import Switch
from profiler.runtimes.served import Expectation
from profiler.system.noise import NoiseMeter
from profiler.system.processes import cpu_seconds
from profiler.target.model_under_test import Subject

BATCH, CALLERS = 1, 1
OFFERED_SHARE = 0.5
UNBOUNDED = 2**31
SEED = 1
DRAIN_S = 5.0
# Loading before and unloading after, a few calls, and the last answers.
OVERHEAD_S = 4.0


def switch_task(subject: Subject, seconds: float, ledger: Ledger) -> Task:
    """Traffic for `seconds`, in whose second and third quarter the model is replaced over and over."""
    return Task(Switch, place(subject), seconds + OVERHEAD_S, lambda: measure(subject, seconds, ledger))


def measure(subject: Subject, seconds: float, ledger: Ledger) -> list[Point]:
    """Raises `ServerError` where the server refuses a load; requests lost and answers that are wrong are figures."""
    meter, served, resources = NoiseMeter(), subject.serve(), subject.bench.target.resources
    images, cores = subject.expectation.images[:BATCH], subject.cores(resources)
    with subject.driving():
        alone = ClosedLoop(served, subject.expectation, BATCH, CALLERS).run(0.0)
        most_per_s = maximum(subject, ledger)
        rate_per_s = OFFERED_SHARE * (most_per_s or alone.counted / alone.seconds)
        with submitting(served, images, resources.instances, cores) as submit:
            watched = Watched(subject.expectation)
            loop = OpenLoop(submit, watched.judge, UNBOUNDED, DRAIN_S)
            run, switches = drive(subject, loop, poisson(rate_per_s, seconds, SEED), seconds)
    # The last of the replaced ones may still be torn down.
    subject.unload()
    moments = np.stack([run.scheduled_s, run.sent_s, run.answered_s], axis=1)
    subject.samples["switch_scheduled_sent_answered_s"] = moments
    subject.samples["switch_load_ms"] = np.array(switches.load_ms)
    noise = meter.read(subject.bench.probe.rate_per_s())
    share = OFFERED_SHARE if most_per_s else None
    return [switch_point(place(subject), rate_per_s, share, run, switches, len(watched.wrong), noise)]


def maximum(subject: Subject, ledger: Ledger) -> float | None:
    """The most single requests a second on the target's own resources, where that was measured."""
    at = {**place(subject), "batch": BATCH}
    return next((point.images_per_s for point in ledger.of(MaximalThroughput) if point.at() == at), None)


@dataclass
class Watched:
    """Judges answers without ending the load: one that is wrong is kept, and as little an answer as an error is."""

    expectation: Expectation
    wrong: list[str] = field(default_factory=list)

    def judge(self, _index: int, answer: np.ndarray | ServerError) -> bool:
        if isinstance(answer, ServerError):
            return False
        try:
            self.expectation.check(answer, BATCH)
        except ServerError as error:
            self.wrong.append(str(error))
            return False
        return True


def drive(subject: Subject, loop: OpenLoop, scheduled_s: np.ndarray, seconds: float) -> tuple[OpenRun, Switches]:
    """The requests in this thread, the replacing in another one."""
    with ThreadPoolExecutor(1) as beside:
        replacing = beside.submit(replace, subject, time.perf_counter() + LEAD_S, seconds)
        run = loop.run(scheduled_s)
        return run, replacing.result()


def replace(subject: Subject, start: float, seconds: float) -> Switches:
    """Loads the same file under the same name, with another configuration each time as hosts do it."""
    host, resources = subject.bench.host, subject.bench.target.resources
    at_start_s = cpu_of(host.process)
    time.sleep(max(0.0, start + seconds / 4 - time.perf_counter()))
    first = time.perf_counter()
    at_first_s = cpu_of(host.process)
    load_ms: list[float] = []
    while not load_ms or time.perf_counter() < start + seconds * 3 / 4:
        called = time.perf_counter()
        host.load(subject.name, subject.path, resources)
        load_ms.append((time.perf_counter() - called) * 1e3)
    last, at_last_s = time.perf_counter(), cpu_of(host.process)
    if at_start_s is None or at_first_s is None or at_last_s is None:
        return Switches(load_ms, first - start, last - start, None, None)
    before, during = (at_first_s - at_start_s) / (first - start), (at_last_s - at_first_s) / (last - first)
    return Switches(load_ms, first - start, last - start, before, during)


def cpu_of(process: int | None) -> float | None:
    """Processor time that the serving processes have used, where they are ours to see."""
    return None if process is None else cpu_seconds(process)
