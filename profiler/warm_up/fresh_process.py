"""First inferences, each in a fresh process in which no network has run before, as the first size pays for shared work.

`python -m profiler.warm_up.fresh_process PARENT` reads a `Plan` from standard input and writes one observation per
line. It imports torch, runs no network, and forks a process for each observation: an import in each would take ten
times as long as the observation.
"""

import multiprocessing
import os
import sys
import time
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import psutil
from pydantic import TypeAdapter

from profiler.common.errors import DnnPortingError
from profiler.load_generator.reference import InProcessReference
from profiler.records.base import Record
from profiler.runtimes.inputs import sample_input
from profiler.runtimes.served import ANSWERS_NAN
from profiler.runtimes.torch_program import TorchProgram, load_torch
from profiler.system.machine import cpu_model, gpu_models
from profiler.system.monitor.allocator import current_allocator
from profiler.system.monitor.monitor import StateReader
from profiler.system.monitor.system_state import SystemState
from profiler.system.processes import end_with_parent
from profiler.warm_up.observations import FailedObservation, Plan, Request, WarmUpObservation

UNSTEADY_RUNS = 2
WARM_RUNS = 3
REFERENCE_BESIDE_S = 0.2
ENDING_S = 5.0


class Outcome(Record):
    """The result of an observed process."""

    state: SystemState
    first_ms: float
    warm_ms: float


class Failure(Record):
    """The reason why an observed process has no result."""

    reason: str


ANSWER: TypeAdapter[Outcome | Failure] = TypeAdapter(Outcome | Failure)


def main() -> None:
    """Observes every request of the plan and prints one line for each."""
    end_with_parent(int(sys.argv[1]))
    plan = Plan.model_validate_json(sys.stdin.buffer.read())
    os.sched_setaffinity(0, plan.cores)
    load_torch()
    reference = InProcessReference(plan.cores)
    before_per_s = reference.rate_per_s(REFERENCE_BESIDE_S)
    for request in plan.requests:
        answer = in_fresh_process(plan, request)
        after_per_s = reference.rate_per_s(REFERENCE_BESIDE_S)
        print(line(plan, request, answer, (before_per_s + after_per_s) / 2).model_dump_json(), flush=True)
        before_per_s = after_per_s


def line(
    plan: Plan, request: Request, answer: Outcome | Failure, reference_per_s: float
) -> WarmUpObservation | FailedObservation:
    """The observation of a request, or its failure, with the conditions."""
    place: dict[str, Any] = {name: getattr(request, name) for name in ("variant", "batch", "repeat")}
    if isinstance(answer, Failure):
        return FailedObservation(reason=answer.reason, **place)
    return WarmUpObservation(
        **place,
        sha256=request.sha256,
        machine=", ".join([cpu_model(), *gpu_models()]),
        torch_version=str(load_torch().__version__),
        device=plan.provider,
        threads=plan.threads,
        size=request.size,
        reference_per_s=reference_per_s,
        state=answer.state,
        first_ms=answer.first_ms,
        warm_ms=answer.warm_ms,
    )


def in_fresh_process(plan: Plan, request: Request) -> Outcome | Failure:
    """The result of a request in a forked process; a failure where it raises, ends, or exceeds its time limit."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=observe, args=(sender, os.getpid(), plan, request), daemon=True)
    process.start()
    sender.close()
    try:
        if receiver.poll(plan.limit_s):
            return ANSWER.validate_json(receiver.recv_bytes())
        return Failure(reason=f"it took longer than {plan.limit_s:g} s")
    except EOFError:
        process.join(ENDING_S)
        return Failure(reason=f"its process ended with {process.exitcode}")
    finally:
        process.kill()
        process.join(ENDING_S)


def observe(sender: Connection, parent: int, plan: Plan, request: Request) -> None:
    """Sends the result of one request to the parent; runs in the forked process."""
    end_with_parent(parent)
    answer: Outcome | Failure
    try:
        answer = first_inference(plan, request)
    except (DnnPortingError, RuntimeError) as error:
        # torch raises RuntimeError for a program that cannot run.
        answer = Failure(reason=(str(error).strip().splitlines() or [type(error).__name__])[-1])
    sender.send_bytes(answer.model_dump_json().encode())


def first_inference(plan: Plan, request: Request) -> Outcome:
    """Loads the program, reads the system's state, and times the first inferences."""
    program = TorchProgram(request.path, plan.threads, (plan.provider,))
    call = program.prepare(sample_input(request.input_shape, request.batch))
    allocator = None if program.device == "cpu" else partial(current_allocator, load_torch())
    with StateReader([psutil.Process()], allocator) as reader:
        state = reader.read()
    times_ms = []
    for _ in range(1 + UNSTEADY_RUNS + WARM_RUNS):
        start_s = time.perf_counter()
        answer = call()
        times_ms.append((time.perf_counter() - start_s) * 1e3)
    if not np.isfinite(answer).all():
        raise DnnPortingError(f"the network {ANSWERS_NAN}")
    return Outcome(state=state, first_ms=times_ms[0], warm_ms=float(np.median(times_ms[-WARM_RUNS:])))


if __name__ == "__main__":
    main()
