"""The observation of the first inferences of many variants that a file lacks, in random order and in pieces."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from profiler.common.door import contents
from profiler.common.errors import BadInputError, DnnPortingError
from profiler.common.files import sha256
from profiler.common.locks import alone_on_host
from profiler.common.target import Target
from profiler.runtimes.torch_program import load_torch
from profiler.system.machine import split_cores
from profiler.target.prepared_target import PROFILER
from profiler.warm_up.observations import FailedObservation, NetworkSize, Plan, Request, WarmUpObservation

PIECE = 40
LIMIT_BYTES = 256 << 20
FIX = "remove it to observe first inferences again"
START_LIMIT_S = 120.0
OBSERVATION_LIMIT_S = 30.0
LINE: TypeAdapter[WarmUpObservation | FailedObservation] = TypeAdapter(WarmUpObservation | FailedObservation)


@dataclass(frozen=True)
class Program:
    """A variant as a TorchScript program; `input_shape` is that of one input, without the batch axis."""

    variant: str
    path: Path
    input_shape: tuple[int, ...]
    size: NetworkSize


def collect(
    programs: Sequence[Program], batches: Sequence[int], repeats: int, target: Target, path: Path
) -> Iterator[tuple[int, int]]:
    """Appends the missing observations to `path`; yields the number done, failed ones too, and the total.

    The random order makes a drift of the machine affect all variants alike. The next call tries failed observations
    again. Raises `DnnPortingError` where no observation is possible, `BadInputError` where another run is measuring.
    """
    load_torch()
    with alone_on_host(PROFILER):
        drop_partial_line(path)
        wanted = [request for repeat in range(repeats) for request in shuffled(programs, batches, repeat)]
        known = {place(one) for one in read_observations(path)}
        missing = [request for request in wanted if place(request) not in known]
        done = len(wanted) - len(missing)
        yield done, len(wanted)
        for start in range(0, len(missing), PIECE):
            piece = missing[start : start + PIECE]
            cores, _ = split_cores(target.cores)
            conditions: dict[str, Any] = {"cores": cores, "threads": target.threads, "provider": target.providers[0]}
            observe(Plan(**conditions, limit_s=OBSERVATION_LIMIT_S, requests=piece), path)
            done += len(piece)
            yield done, len(wanted)


def shuffled(programs: Sequence[Program], batches: Sequence[int], repeat: int) -> list[Request]:
    """A request for every variant with every batch, in the random order of this repeat."""
    known = [vars(one) | {"path": one.path.resolve(), "sha256": sha256(one.path)} for one in programs]
    requests = [Request(**program, batch=batch, repeat=repeat) for program in known for batch in batches]
    random.Random(repeat).shuffle(requests)  # noqa: S311, an order is no secret
    return requests


def place(one: Request | WarmUpObservation) -> tuple[str, str, int, int]:
    """The key of an observation: variant, digest, batch and repeat."""
    return one.variant, one.sha256, one.batch, one.repeat


def observe(piece: Plan, path: Path) -> None:
    """Runs one piece in a process that ends with this one, and within its time limit."""
    limit_s = START_LIMIT_S + piece.limit_s * len(piece.requests)
    command = [sys.executable, "-m", "profiler.warm_up.fresh_process", str(os.getpid())]
    # Threads that spin while they wait slow each other down; torch reads this when it is imported.
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    with path.open("ab") as file:
        try:
            subprocess.run(
                command,
                input=piece.model_dump_json().encode(),
                stdout=file,
                stderr=subprocess.PIPE,
                env=environment,
                timeout=limit_s,
                check=True,
            )
        except subprocess.TimeoutExpired as error:
            raise DnnPortingError(f"{len(piece.requests)} first inferences took longer than {limit_s:.0f} s") from error
        except subprocess.CalledProcessError as error:
            last = (error.stderr.decode(errors="replace").strip().splitlines() or ["it printed nothing"])[-1]
            raise DnnPortingError(f"observing first inferences ended with {error.returncode}: {last}") from error


def drop_partial_line(path: Path) -> None:
    """Removes a half-written last line, as a killed run leaves one; creates the file where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.truncate(path, contents(path, LIMIT_BYTES, FIX).rfind(b"\n") + 1)


def read_observations(path: Path) -> list[WarmUpObservation]:
    """The successful observations of a file; raises `BadInputError` where it holds anything else."""
    try:
        lines = [LINE.validate_json(line) for line in contents(path, LIMIT_BYTES, FIX).splitlines()]
    except ValidationError as error:
        raise BadInputError(f"{path} does not contain first inferences: {FIX}") from error
    return [line for line in lines if isinstance(line, WarmUpObservation)]
