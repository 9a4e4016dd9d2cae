"""The execution of a plan: known points are kept, missing ones are measured, and failures leave a reason."""

import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from profiler.analysis.fits import fitted
from profiler.analysis.why_not_quicker import why_not_quicker
from profiler.common.errors import DnnPortingError, ServerError, UnavailableError
from profiler.common.files import sha256
from profiler.common.profile_settings import DAY_S, LevelSettings
from profiler.graph.layers import count_layers, sum_layers
from profiler.load_generator.speeds import Speeds
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement
from profiler.plan import Part, plan
from profiler.records.base import MissingVerdict, NormalRate, Point
from profiler.records.profile import PartState, Profile
from profiler.records.profile_files import check_kept
from profiler.runtimes.inputs import input_shapes
from profiler.runtimes.own_process import program_of
from profiler.runtimes.session import tensors
from profiler.runtimes.time_limits import ends_within
from profiler.target.co_runner import CoRunner
from profiler.target.identity import profile_key
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import PreparedTarget
from profiler.trial.torch_file import vetted

REVIVALS = 3
# The time for the first answers of a file, in addition to its budget.
PREPARING_S = 60.0
# The share of a budget that disturbed slices may take beside it.
MOST_THROWN_SHARE = 0.5

Samples = dict[str, np.ndarray]
Keep = Callable[[Profile, Samples], None]
Announce = Callable[[str], None]


class Profiling:
    """The measurement of one file in the parts of a level; `keep` gets the profile after every point."""

    def __init__(
        self,
        model: ModelUnderTest,
        before: Profile,
        settings: LevelSettings,
        parts: Mapping[str, Part],
        keep: Keep,
        visit: int | None = None,
    ) -> None:
        self._model, self._before, self._settings, self._keep = model, before, settings, keep
        self._parts = parts
        self._ledger = Ledger(before.points(), before.missing)
        self._states = {state.name: state for state in before.parts}
        if settings.disturbed == "again":
            for point in before.wanted_again(visit):
                self._ledger.outdate(point)
        self._start = time.monotonic()
        model.patience, model.monitor = settings.patience, settings.monitor
        self._failures, self._dead, self._budget_s = 0, "", settings.budget_s
        # The expected time of the points that did not fit the budget.
        self._lacking_s = 0.0

    def run(self, announce: Announce) -> Profile:
        """The profile with every point of this level that could be measured.

        Raises `ServerError` where no maximal throughput could be measured; the other points are kept by then.
        """
        for name, part in self._parts.items():
            announce(part.title)
            if name == "visits":
                # The parts before have left the time of the later visits.
                self._budget_s = self._settings.all_visits_s()
            self._measure_part(name, part)
        profile = self._write()
        if profile.best_throughput() is None:
            reasons = [one.reason for one in profile.missing if one.part == "throughput"]
            reasons = reasons or ["no part of this level measures it"]
            raise ServerError(f"no maximal throughput could be measured: {reasons[0]}")
        return profile

    def _measure_part(self, name: str, part: Part) -> None:
        values, start = part.settings.model_dump(mode="json"), time.monotonic()
        before = self._states.get(name)
        stale = before is not None and before.settings != values
        self._ledger.reopen(name, stale)
        spent_s = before.seconds if before is not None and not stale else 0.0
        self._states[name] = PartState(name=name, settings=values, seconds=spent_s, finished=False)
        work, answer = part.measurements(self._model, self._ledger), None
        while True:
            try:
                measurement = work.send(answer)
            except StopIteration:
                break
            answer = self._ledger.find(measurement) or self._measure(name, measurement)
        spent_s += time.monotonic() - start
        self._states[name] = PartState(name=name, settings=values, seconds=spent_s, finished=part.whole)
        self._write()

    def _measure(self, part: str, measurement: Measurement) -> Point | None:
        """The point, measured now; `None` and a record of why where it cannot be had."""
        measure = measurement.measure
        if why := self._unaffordable(measurement.seconds):
            shorter = measurement.shorter
            if shorter is not None and (measurement.needed or self._unaffordable(shorter.seconds) is None):
                measure = shorter.measure
            elif not measurement.needed or self._dead:
                self._miss(part, measurement, *why, "" if self._dead else self._enough(measurement.seconds))
                return None
        try:
            # An estimate may be wrong, not without end.
            with ends_within(self._budget_s + (PREPARING_S if measurement.needed else 0.0)):
                points = measure()
        except UnavailableError as error:
            self._miss(part, measurement, "unavailable", str(error))
            return None
        except DnnPortingError as error:
            if isinstance(error, ServerError):
                self._recover(str(error))
            self._miss(part, measurement, "failed", str(error))
            return None
        self._failures = 0
        self._ledger.add(part, points)
        self._write()
        return points[0]

    def _unaffordable(self, seconds: float) -> tuple[MissingVerdict, str] | None:
        budget_s = self._budget_s
        left_s = budget_s - self._spent_s()
        if self._dead:
            return "failed", self._dead
        if seconds > budget_s:
            return "too long", f"it takes about {seconds:.0f} s, and a variant has {budget_s:.0f} s"
        if seconds > left_s:
            return "out of budget", f"it takes about {seconds:.1f} s, and {max(left_s, 0):.1f} s were left"
        return None

    def _spent_s(self) -> float:
        """The time of this run, without that of disturbed slices, which are measured again within limits."""
        thrown_s = min(self._model.thrown_s, MOST_THROWN_SHARE * self._budget_s)
        return time.monotonic() - self._start - thrown_s

    def _enough(self, seconds: float) -> str:
        """The setting with a budget for a point and for those before it that did not fit; empty above the largest."""
        self._lacking_s += seconds
        budget_s = math.ceil(self._spent_s() + self._lacking_s)
        return f"profile.budget_s={budget_s}" if budget_s <= DAY_S else ""

    def _miss(
        self, part: str, measurement: Measurement, verdict: MissingVerdict, reason: str, setting: str = ""
    ) -> None:
        self._ledger.miss(measurement.missing(part, verdict, reason, setting))
        self._write()

    def _recover(self, reason: str) -> None:
        """Loads the model again after a failure, in a new server if the profiler started it; a few times at most."""
        self._failures += 1
        if self._failures > REVIVALS:
            self._dead = f"given up after {self._failures} failures in a row, the last one: {reason}"
            return
        try:
            self._model.recover()
        except DnnPortingError as error:
            self._dead = str(error)

    def _speeds(self) -> dict[str, object]:
        """What is known of the references by now."""
        speeds, found = self._model.prepared.speeds, self._before
        served = found.served_reference
        return {
            "reference": speeds["in process"].learnt() or found.reference,
            "served_reference": served and (speeds["served"].learnt() or served),
        }

    def _write(self) -> Profile:
        """The present profile, which `keep` stores."""
        seconds = self._before.seconds + time.monotonic() - self._start
        update: dict[str, object] = {
            "level": self._settings.level,
            "missing": tuple(self._ledger.missing),
            "parts": tuple(self._states.values()),
            "seconds": seconds,
            **self._speeds(),
        }
        profile = fitted(self._before.with_points(self._ledger.points).model_copy(update=update))
        profile = profile.model_copy(update={"why_not_quicker": why_not_quicker(profile)})
        self._keep(profile, self._model.samples)
        return profile


def profile_file(
    prepared: PreparedTarget,
    path: Path,
    settings: LevelSettings,
    before: Profile | None,
    keep: Keep,
    announce: Announce,
    visit: int | None = None,
    co_runner: CoRunner | None = None,
) -> Profile:
    """Measures one file on a ready target, in one visit or all; points of `before` that still hold are kept.

    Contention is measured beside the `co_runner`, or beside the reference network where there is none.
    Raises `BadInputError` where a kept figure is none that a machine measures.
    """
    onnx_sha256 = sha256(path)
    sizes = settings.latency.input_sizes if settings.latency else []
    key = key_of(prepared, path, onnx_sha256, sizes)
    if before is not None:
        check_kept(before)
    # The price in the target may have changed, which has no effect on figures.
    before = before.model_copy(update={"target": prepared.target}) if before and before.key == key else None
    if before is not None:
        prepared.learn([before])
    with ends_within(PREPARING_S + settings.budget_s):
        model = ModelUnderTest(prepared, path, sizes, co_runner=co_runner)
    begun = before or blank(model, settings, key, onnx_sha256)
    with model:
        return Profiling(model, begun, settings, plan(settings, visit), keep, visit).run(announce)


def blank(model: ModelUnderTest, settings: LevelSettings, key: str, onnx_sha256: str) -> Profile:
    """A profile without points."""
    prepared, layers = model.prepared, count_layers(model.path, model.shapes[0])
    reference, served, reasons = normal_rates(prepared)
    return Profile(
        key=key,
        level=settings.level,
        target_name=prepared.name,
        target=prepared.target,
        fingerprint=prepared.fingerprint,
        onnx_sha256=onnx_sha256,
        complexity=sum_layers(layers, model.path.stat().st_size),
        layers=tuple(layers),
        reference=reference,
        served_reference=served,
        reasons=reasons,
        measured_at=datetime.now(UTC),
        seconds=0.0,
    )


def key_of(prepared: PreparedTarget, path: Path, onnx_sha256: str, sizes: list[int]) -> str:
    """The key of a profile; the program that torch serves is part of it."""
    program_sha256 = None
    if prepared.target.runtime == "torch":
        program_sha256 = vetted(program_of(path), input_shapes(tensors(path)[0], sizes)[0])
    return profile_key(onnx_sha256, prepared.target, program_sha256)


def normal_rates(prepared: PreparedTarget) -> tuple[NormalRate, NormalRate | None, dict[str, str]]:
    """What is known of the rates of both references, and why there is none of the served one."""
    served = prepared.served_reference
    own = learnt(prepared.speeds["in process"], prepared.reference.rate_per_s)
    why = "nothing is served" if served is None else served.refused()
    if served is None or why is not None:
        return own, None, {"served_reference": why or ""}
    return own, learnt(prepared.speeds["served"], served.rate_per_s), {}


def learnt(speeds: Speeds, read: Callable[[], float]) -> NormalRate:
    """What is known of a reference, which is read where nothing is known."""
    found = speeds.learnt()
    if found is None:
        speeds.add([read()])
        return learnt(speeds, read)
    return found
