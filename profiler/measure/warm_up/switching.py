"""Replacing a model behind its name while requests arrive."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from profiler.common.errors import ServerError
from profiler.load_generator.closed_loop import ClosedLoop
from profiler.load_generator.open_loop import LEAD_S, OpenLoop, OpenRun
from profiler.load_generator.single_requests import poisson, submitting
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement
from profiler.measure.warm_up.points import place
from profiler.measure.warm_up.switch_point import Switches, switch_point
from profiler.records.base import Point
from profiler.records.place import Place
from profiler.records.throughput import MaximalThroughput
from profiler.records.warm_up import Switch
from profiler.runtimes.served import Expectation
from profiler.system.noise import NoiseMeter
from profiler.target.model_under_test import ModelUnderTest

BATCH, CALLERS = 1, 1
OFFERED_SHARE = 0.5
UNBOUNDED = 2**31
SEED = 1
DRAIN_S = 5.0
# Loading before and unloading after, a few calls, and the last answers.
OVERHEAD_S = 4.0


def switch_measurement(model: ModelUnderTest, seconds: float, ledger: Ledger) -> Measurement:
    """Traffic for `seconds`, in whose second and third quarter the model is replaced over and over."""
    return Measurement(Switch, place(model), seconds + OVERHEAD_S, lambda: measure(model, seconds, ledger))


def measure(model: ModelUnderTest, seconds: float, ledger: Ledger) -> list[Point]:
    """Raises `ServerError` where the server refuses a load; requests lost and answers that are wrong are figures."""
    meter, served, resources = NoiseMeter(), model.serve(), model.own
    images, cores = model.expectation.images(BATCH), model.cores(resources)
    with model.driving():
        alone = ClosedLoop(served, model.expectation, BATCH, CALLERS).run(0.0)
        most_per_s = maximum(model, ledger)
        rate_per_s = OFFERED_SHARE * (most_per_s or alone.counted / alone.seconds)
        with submitting(served, images, resources.instances, cores) as submit:
            watched = Watched(model.expectation)
            loop = OpenLoop(submit, watched.judge, UNBOUNDED, DRAIN_S)
            run, switches = drive(model, loop, poisson(rate_per_s, seconds, SEED), seconds)
    # The last of the replaced ones may still be torn down.
    model.unload()
    moments = np.stack([run.scheduled_s, run.sent_s, run.answered_s], axis=1)
    model.samples["switch_scheduled_sent_answered_s"] = moments
    model.samples["switch_load_ms"] = np.array(switches.load_ms)
    noise = meter.read(model.in_process_reference.rate_per_s(0.0))
    share = OFFERED_SHARE if most_per_s else None
    return [switch_point(place(model), rate_per_s, share, run, switches, len(watched.wrong), noise)]


def maximum(model: ModelUnderTest, ledger: Ledger) -> float | None:
    """The most single requests a second on the target's own resources, where that was measured."""
    known = ledger.at(MaximalThroughput, Place(model.runtime, model.own, BATCH))
    return None if known is None else known.images_per_s


@dataclass
class Watched:
    """Judges answers without ending the load: one that is wrong is kept, and as little an answer as an error is."""

    expectation: Expectation
    wrong: list[str] = field(default_factory=list)

    def judge(self, _index: int, answer: np.ndarray | ServerError) -> bool:
        """Whether the answer counts as one; a wrong answer is kept in `wrong`."""
        if isinstance(answer, ServerError):
            return False
        try:
            self.expectation.check(answer, BATCH)
        except ServerError as error:
            self.wrong.append(str(error))
            return False
        return True


def drive(model: ModelUnderTest, loop: OpenLoop, scheduled_s: np.ndarray, seconds: float) -> tuple[OpenRun, Switches]:
    """The requests in this thread, the replacing in another one."""
    with ThreadPoolExecutor(1) as beside:
        replacing = beside.submit(replace, model, time.perf_counter() + LEAD_S, seconds)
        run = loop.run(scheduled_s)
        return run, replacing.result()


def replace(model: ModelUnderTest, start: float, seconds: float) -> Switches:
    """Loads the same file under the same name, with another configuration each time as hosts do it."""
    at_start_s = model.cpu_seconds()
    time.sleep(max(0.0, start + seconds / 4 - time.perf_counter()))
    first = time.perf_counter()
    at_first_s = model.cpu_seconds()
    before_s = None if at_start_s is None or at_first_s is None else at_first_s - at_start_s
    load_ms: list[float] = []
    while not load_ms or time.perf_counter() < start + seconds * 3 / 4:
        called = time.perf_counter()
        model.host.load(model.name, model.path, model.own)
        load_ms.append((time.perf_counter() - called) * 1e3)
    last, during_s = time.perf_counter(), model.cpu_seconds_since(at_first_s)
    before = None if before_s is None else before_s / (first - start)
    during = None if during_s is None else during_s / (last - first)
    return Switches(load_ms, first - start, last - start, before, during)
