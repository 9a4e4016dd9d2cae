"""A process that answers one batch and tells what memory that took; it may be killed at any moment.

`python -m profiler.measure.memory.child_process PARENT TARGET PATH BATCH AXIS...`, where TARGET is a target as JSON. It
prints a `Report` and stays, its model in memory, until its standard input is closed.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from profiler.common.target import Target
from profiler.confined.protocol import ALLOCATION_FAILED
from profiler.runtimes.inputs import sample_input
from profiler.runtimes.own_process import OwnProcess
from profiler.runtimes.torch_program import load_torch
from profiler.system.processes import RESET_PEAK, end_with_parent, status

# ONNX Runtime plans its memory with the first answer; the second one is the first that holds to the plan.
ANSWERS = 2
OUT_OF_MEMORY = 3
OWN = Path("/proc/self")


@dataclass(frozen=True)
class Report:
    """Resident memory before there was a model and after it answered; the most ever, and the most while answering."""

    before_bytes: int
    resident_bytes: int
    peak_bytes: int
    answer_peak_bytes: int | None


def main() -> None:
    """Answers one batch, prints the report, and stays until its standard input is closed."""
    parent, target, path, batch, *shape = sys.argv[1:]
    end_with_parent(int(parent))
    try:
        report = answer(Target.model_validate_json(target), Path(path), int(batch), tuple(map(int, shape)))
    except Exception as error:
        # Every runtime has exception classes of its own for an allocation that failed.
        if isinstance(error, MemoryError) or any(words in str(error) for words in ALLOCATION_FAILED):
            sys.exit(OUT_OF_MEMORY)
        raise
    print(json.dumps(asdict(report)), flush=True)
    sys.stdin.read()


def answer(target: Target, path: Path, batch: int, shape: tuple[int, ...]) -> Report:
    """Loads the model and answers a batch of (batch, *shape)."""
    if target.runtime == "torch":
        # ONNX Runtime is in memory by now; a library is not the model's.
        load_torch()
    before = memory("VmRSS")
    call = OwnProcess(target).load("model", path, target.resources).prepare(sample_input(shape, batch))
    load_peak = memory("VmHWM")
    reset = reset_own_peak()
    for _ in range(ANSWERS):
        call()
    resident, peak = memory("VmRSS"), memory("VmHWM")
    return Report(before, resident, max(load_peak, peak), peak if reset else None)


def reset_own_peak() -> bool:
    """Starts the peak anew; whether the system lets us."""
    try:
        (OWN / "clear_refs").write_text(RESET_PEAK)
    except OSError:
        return False
    return True


def memory(name: str) -> int:
    """A line of proc(5)'s `status`, in bytes."""
    return int(status(OWN)[name].split()[0]) * 1024


if __name__ == "__main__":
    main()
