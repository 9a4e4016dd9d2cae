"""From a file on the disk to a model that answers steadily, and out of the server again.

Every load gives several figures: how long it took, the first inference of one batch size after it, with some loads
the way from there to a steady latency, and how long the model took to be gone.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from typing import NoReturn

from profiler.common.errors import UnavailableError
from profiler.common.profile_settings import WarmUpSettings
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements
from profiler.measure.warm_up.fresh_load import LONGEST_S, FreshLoad, load_afresh
from profiler.measure.warm_up.points import WARM_ANSWERS, first_inference, load_time, place, unload_time, warm_up_curve
from profiler.measure.warm_up.switching import switch_measurement
from profiler.records.base import Noise, Point
from profiler.records.place import Place
from profiler.records.warm_up import FirstInference, LoadTime, Switch, UnloadTime, WarmUpCurve
from profiler.system.monitor.monitor import Monitor, StateReader
from profiler.system.noise import NoiseMeter
from profiler.target.model_under_test import ModelUnderTest

# After the first some to settle, and those that count as warm.
INFERENCES = 1 + 5 + WARM_ANSWERS
# What a load and its unload may take, before any is made; a Python-based backend needs a second to end.
IN_SERVER_S, IN_PROCESS_S = 2.0, 0.3


def measurements(model: ModelUnderTest, settings: WarmUpSettings, ledger: Ledger) -> Measurements:
    """What can be had of this runtime; asking for the rest says why it cannot."""
    for one in planned(model, settings, ledger):
        why = impossible(model, one.kind)
        yield one if why is None else replace(one, measure=partial(refuse, why))


def refuse(why: str) -> NoReturn:
    """Raises `UnavailableError` with the reason."""
    raise UnavailableError(why)


def planned(model: ModelUnderTest, settings: WarmUpSettings, ledger: Ledger) -> Iterator[Measurement]:
    """First inferences and curves by batch, then the times of these loads and unloads, cold loads, and a switch."""
    with ExitStack() as stack:
        reader = StateReader(model.processes, model.allocator())
        loads = Loads(model, settings, Monitor(stack.enter_context(reader)) if model.monitor else None)
        for batch, count in loads.by_batch.items():
            at = replace(place(model), batch=batch)
            yield loads.measurement(FirstInference, at, count, partial(loads.first, batch))
            if batch in loads.curves:
                yield loads.measurement(WarmUpCurve, at, 1, partial(loads.curve, batch))
    yield loads.measurement(LoadTime, replace(place(model), page_cache="warm"), loads.left, loads.warm)
    yield loads.measurement(UnloadTime, place(model), loads.left, loads.gone)
    yield loads.measurement(LoadTime, replace(place(model), page_cache="cold"), settings.loads, loads.cold)
    if settings.switch_seconds is not None:
        yield switch_measurement(model, settings.switch_seconds, ledger)


def impossible(model: ModelUnderTest, kind: type[Point]) -> str | None:
    """Why a runtime cannot give a kind of point at all."""
    if not model.host.controls_loading:
        return "this server cannot be told to load anything, and serves what it was started with"
    if kind is Switch and model.in_process:
        return "there is no server between callers and model in the profiler's own process: take runtime=triton"
    return None


class Loads:
    """The warm loads of one model, shared out over the batch sizes; those made count for its load time too."""

    def __init__(self, model: ModelUnderTest, settings: WarmUpSettings, monitor: Monitor | None) -> None:
        self._model, self._settings, self._monitor = model, settings, monitor
        self._wanted = max(settings.loads, len(settings.batches))
        self.by_batch = Counter(islice(cycle(settings.batches), self._wanted))
        self.curves = {min(settings.batches), max(settings.batches)}
        self._done: list[FreshLoad] = []
        self._meter = NoiseMeter()

    @property
    def left(self) -> int:
        """Warm loads that are still to be made."""
        return max(0, self._wanted - len(self._done))

    def measurement(
        self, kind: type[Point], at: Place, loads: int, measure: Callable[[NoiseMeter], list[Point]]
    ) -> Measurement:
        """`measure` is given a meter of its own."""
        seconds = loads * (self._in_and_out_s() + (self._inferences_s(at.batch) if at.batch else 0.0))
        return Measurement(kind, at, seconds, lambda: measure(NoiseMeter()))

    def _in_and_out_s(self) -> float:
        """What a load and its unload should take, by those before."""
        if self._done:
            return statistics.median(load.in_and_out_s for load in self._done)
        return IN_PROCESS_S if self._model.in_process else IN_SERVER_S

    def _inferences_s(self, batch: int) -> float:
        """What the inferences after a load should take, by the last ones."""
        last = next((load for load in reversed(self._done) if load.latencies_ms), None)
        expected_ms = 1e3 / self._model.expected_per_s(self._model.own)
        per_image_ms = statistics.median(last.latencies_ms) / last.batch if last else expected_ms
        return min(LONGEST_S, self._length(batch) * batch * per_image_ms / 1e3)

    def first(self, batch: int, meter: NoiseMeter) -> list[Point]:
        """The first inference of a batch size, and what followed the first one of all."""
        lengths = [self._length(batch), *[INFERENCES] * (self.by_batch[batch] - 1)]
        loads = [self._load(batch, inferences) for inferences in lengths]
        noise = self._noise(meter)
        curve = [warm_up_curve(self._model, loads[0], noise)] if batch in self.curves else []
        return [first_inference(self._model, loads, noise), *curve]

    def curve(self, batch: int, meter: NoiseMeter) -> list[Point]:
        """The way of one fresh load to a steady latency."""
        load = self._load(batch, self._length(batch))
        return [warm_up_curve(self._model, load, self._noise(meter))]

    def warm(self, _: NoiseMeter) -> list[Point]:
        """Load and unload times of all warm loads; the noise is that since the first of them."""
        while self.left:
            self._load(self._settings.batches[0], 0)
        noise = self._noise(self._meter)
        return [load_time(self._model, "warm", self._done, noise), unload_time(self._model, self._done, noise)]

    def gone(self, meter: NoiseMeter) -> list[Point]:
        """As `warm`, with the unload time first."""
        return self.warm(meter)[::-1]

    def cold(self, meter: NoiseMeter) -> list[Point]:
        """Load times from the disk, until one of the loads turns out not to have been cold."""
        loads: list[FreshLoad] = []
        why = None
        while why is None and len(loads) < self._settings.loads:
            load = load_afresh(self._model, "cold", self._settings.batches[0], 0)
            why = load.why_not_cold()
            if why is None:
                loads.append(load)
        return [load_time(self._model, "cold", loads, self._noise(meter), why)]

    def _length(self, batch: int) -> int:
        return max(self._settings.curve_inferences, INFERENCES) if batch in self.curves else INFERENCES

    def _load(self, batch: int, inferences: int) -> FreshLoad:
        load = load_afresh(self._model, "warm", batch, inferences, self._monitor if inferences else None)
        self._done.append(load)
        return load

    def _noise(self, meter: NoiseMeter) -> Noise:
        return meter.read(self._model.in_process_reference.rate_per_s(0.0))
