"""Going through the plan: what is there is kept, what is missing is measured, what fails says why."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from profiler.analysis.fits import fitted
from profiler.common.errors import BadInputError, DnnPortingError, ServerError, UnavailableError
from profiler.common.files import sha256
from profiler.common.profile_settings import LevelSettings, PartSettings
from profiler.graph.complexity import sum_layers
from profiler.graph.layers import count_layers
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Task
from profiler.parts import PARTS, Part
from profiler.records.base import Point
from profiler.records.missing import Missing, Why
from profiler.records.profile import PartState, Profile
from profiler.runtimes.own_process import program_beside
from profiler.runtimes.session import input_shapes, tensors
from profiler.runtimes.watch import ends_within
from profiler.target.identity import subject_key
from profiler.target.model_under_test import Subject
from profiler.target.prepared_target import Bench
from profiler.trial.torch_program import vetted

REVIVALS = 3
# What a file must answer before it is measured, beside its budget.
PREPARING_S = 60.0

Samples = dict[str, np.ndarray]
Keep = Callable[[Profile, Samples], None]
Announce = Callable[[str], None]


class Profiling:
    """One file's way through the parts of a level; `keep` is given the profile after every point."""

    def __init__(self, subject: Subject, before: Profile, settings: LevelSettings, keep: Keep) -> None:
        self._subject, self._before, self._settings, self._keep = subject, before, settings, keep
        self._ledger = Ledger(before.points(), before.missing)
        self._states = {state.name: state for state in before.parts}
        self._start = time.monotonic()
        self._failures, self._dead = 0, ""

    def run(self, announce: Announce) -> Profile:
        """The profile with all that this level asks for and that could be had.

        Raises `ServerError` where no maximal throughput could be had: everything else is kept by then.
        """
        wanted = self._settings.parts()
        for part in PARTS:
            if part.name in wanted:
                announce(part.title)
                self._go_through(part, wanted[part.name])
        profile = self._write()
        if profile.best_throughput() is None:
            reasons = [one.reason for one in profile.missing if one.part == "throughput"]
            reasons = reasons or ["no part of this level measures it"]
            raise ServerError(f"no maximal throughput could be measured: {reasons[0]}")
        return profile

    def _go_through(self, part: Part, settings: PartSettings) -> None:
        values, start = settings.model_dump(mode="json"), time.monotonic()
        before = self._states.get(part.name)
        stale = before is not None and before.settings != values
        self._ledger.reopen(part.name, stale)
        spent_s = before.seconds if before is not None and not stale else 0.0
        self._states[part.name] = PartState(name=part.name, settings=values, seconds=spent_s, finished=False)
        work, answer = part.tasks(self._subject, settings, self._ledger), None
        while True:
            try:
                task = work.send(answer)
            except StopIteration:
                break
            answer = self._ledger.find(task) or self._measure(part, task)
        spent_s += time.monotonic() - start
        self._states[part.name] = PartState(name=part.name, settings=values, seconds=spent_s, finished=True)
        self._write()

    def _measure(self, part: Part, task: Task) -> Point | None:
        """The point, measured now; `None` and a record of why where it cannot be had."""
        if why := self._unaffordable(task):
            self._miss(part, task, *why)
            return None
        try:
            # An estimate may be wrong, not without end.
            with ends_within(self._settings.budget_s):
                points = task.measure()
        except UnavailableError as error:
            self._miss(part, task, "unavailable", str(error))
            return None
        except DnnPortingError as error:
            if isinstance(error, ServerError):
                self._recover(str(error))
            self._miss(part, task, "failed", str(error))
            return None
        self._failures = 0
        self._ledger.add(part.name, points)
        self._write()
        return points[0]

    def _unaffordable(self, task: Task) -> tuple[Why, str] | None:
        budget_s = self._settings.budget_s
        left_s = budget_s - (time.monotonic() - self._start)
        if self._dead:
            return "failed", self._dead
        if task.seconds > budget_s:
            return "too long", f"it takes about {task.seconds:.0f} s, and a variant has {budget_s:.0f} s"
        if task.seconds > left_s:
            return "out of budget", f"it takes about {task.seconds:.1f} s, and {max(left_s, 0):.1f} s were left"
        return None

    def _miss(self, part: Part, task: Task, verdict: Why, reason: str) -> None:
        at = {name: list(value) if isinstance(value, tuple) else value for name, value in task.at.items()}
        self._ledger.miss(Missing(part=part.name, point=task.kind.__name__, at=at, verdict=verdict, reason=reason))
        self._write()

    def _recover(self, reason: str) -> None:
        """After a failure the model is loaded again, by a new server where it was ours; not without end."""
        self._failures += 1
        if self._failures > REVIVALS:
            self._dead = f"given up after {self._failures} failures in a row, the last one: {reason}"
            return
        try:
            self._subject.recover()
        except DnnPortingError as error:
            self._dead = str(error)

    def _write(self) -> Profile:
        """The profile as it is at this moment, given to whoever keeps it."""
        seconds = self._before.seconds + time.monotonic() - self._start
        update = {
            "level": self._settings.level,
            "missing": tuple(self._ledger.missing),
            "parts": tuple(self._states.values()),
            "seconds": seconds,
        }
        profile = fitted(self._before.with_points(self._ledger.points).model_copy(update=update))
        self._keep(profile, self._subject.samples)
        return profile


def profile_file(
    bench: Bench,
    path: Path,
    settings: LevelSettings,
    before: Profile | None,
    first: Profile | None,
    keep: Keep,
    announce: Announce,
) -> Profile:
    """Measures one file on a ready target; points of `before` that still hold are kept.

    The rates of the probes in the `first` profile on the same fingerprint count as this machine's normal speed;
    without one, those found now do.
    """
    onnx_sha256 = sha256(path)
    sizes = settings.latency.input_sizes if settings.latency else []
    program_sha256 = None
    if bench.target.runtime == "torch":
        program_sha256 = vetted(program_beside(path), input_shapes(tensors(path)[0], sizes)[0])
    key = subject_key(onnx_sha256, bench.target, program_sha256)
    if before is not None and before.key == key:
        # A price may have changed, which decides no figure.
        first = before = before.model_copy(update={"target": bench.target})
    else:
        before = None
    reference_per_s = first.probe_reference_per_s if first else bench.probe.usual_rate_per_s()
    served_per_s, reasons = normal_served(bench, first)
    with ends_within(PREPARING_S + settings.budget_s):
        subject = Subject(bench, path, reference_per_s, sizes, served_per_s)
    layers = count_layers(path, subject.shapes[0])
    fresh = Profile(
        key=key,
        level=settings.level,
        target_name=bench.name,
        target=bench.target,
        fingerprint=bench.fingerprint,
        onnx_sha256=onnx_sha256,
        complexity=sum_layers(layers, path.stat().st_size),
        layers=tuple(layers),
        probe_reference_per_s=reference_per_s,
        served_probe_reference_per_s=served_per_s,
        reasons=reasons,
        measured_at=datetime.now(UTC),
        seconds=0.0,
    )
    with subject, fitting_together(first):
        return Profiling(subject, before or fresh, settings, keep).run(announce)


@contextmanager
def fitting_together(first: Profile | None) -> Iterator[None]:
    """Raises `BadInputError` where what is measured does not make valid figures with what an earlier run has kept."""
    try:
        yield
    except (ValueError, ArithmeticError) as error:
        if first is None:
            raise
        why = " ".join(str(error).split())[:200]
        raise BadInputError(
            f"the profile that is there for target {first.target_name} has figures that no machine measures ({why}): "
            "remove it, and everything is measured again"
        ) from error


def normal_served(bench: Bench, first: Profile | None) -> tuple[float | None, dict[str, str]]:
    """The served probe's rate that counts as normal, or why there is none."""
    field = "served_probe_reference_per_s"
    if first is not None:
        return first.served_probe_reference_per_s, {name: why for name, why in first.reasons.items() if name == field}
    if bench.served_probe is None:
        return None, {field: "nothing is served, or the server takes no model of ours beside the measured one"}
    try:
        return bench.served_probe.usual_rate_per_s(), {}
    except DnnPortingError as error:
        return None, {field: str(error)}
