"""`dnn-porting` as a process of its own, forked from one that has the slow imports behind it and has run nothing.

Most of what a short command takes is importing torch and Lightning. A forked command has its own arguments, working
directory, streams, signals and exit code all the same. `python tests/forked.py` reads a command a line from standard
input and answers with the id of its process, and with its exit code when it has ended.
"""

import atexit
import gc
import importlib
import json
import multiprocessing
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from narrowing import known
from support import Run, environment

# Not ONNX Runtime, which starts a thread that a forked process would lack.
IMPORTED = (
    "datamodules.digits",
    "onnxscript.function_libs.torch_lib.ops",
    "porting.configuration.settings",
    "porting.training.training_loop",
    "torch_pruning",
)


@dataclass(frozen=True)
class Started:
    """A command that was started; no other one is until it has ended."""

    pid: int
    out: Path
    err: Path
    _answers: IO[bytes]

    def has_ended(self, within_s: float = 0) -> bool:
        return bool(select.select([self._answers], [], [], within_s)[0])

    def code(self) -> int:
        """Its exit code, or less than 0 for the signal that ended it; waits for the end."""
        return int(self._answers.readline())

    def result(self, timeout_s: float) -> Run:
        if not self.has_ended(timeout_s):
            os.kill(self.pid, signal.SIGKILL)
        return Run(self.code(), self.out.read_text(), self.err.read_text())


class Forked:
    """Starts commands, one after the other."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path) -> None:
        self._asked, self._answers, self._folder = known(process.stdin), known(process.stdout), folder

    def start(self, *arguments: str) -> Started:
        out, err = self._folder / "out", self._folder / "err"
        command = {"arguments": arguments, "folder": str(self._folder), "streams": [os.devnull, str(out), str(err)]}
        # A test that failed has left the exit code of its command.
        while select.select([self._answers], [], [], 0)[0]:
            self._answers.readline()
        self._asked.write(json.dumps(command).encode() + b"\n")
        return Started(int(self._answers.readline()), out, err, self._answers)


@contextmanager
def forked(folder: Path) -> Iterator[Forked]:
    """Commands are run in `folder`."""
    # Not buffered, so that what was answered is seen by `select`.
    with subprocess.Popen(
        [sys.executable, __file__], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        yield Forked(process, folder)


def serve() -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    context = multiprocessing.get_context("fork")
    for line in sys.stdin:
        process = context.Process(target=run, args=(json.loads(line),))
        process.start()
        print(process.pid, flush=True)
        process.join()
        print(process.exitcode, flush=True)


def run(command: dict[str, Any]) -> None:
    """Does as the command says, in a process of its own, which ends without taking down all that is imported."""
    from dnn_porting import main

    sys.argv[1:] = command["arguments"]
    os.chdir(command["folder"])
    for descriptor, name in enumerate(command["streams"]):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC), descriptor)
    try:
        main()
    finally:
        atexit._run_exitfuncs()


if __name__ == "__main__":
    serve()
