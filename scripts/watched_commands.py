"""One observed command of the project: time, memory, output, exit code, leftovers, touched files and name queries.

The command is forked from this interpreter after the slow imports (`warm`), and is otherwise a process of its own in
its own namespaces. `python -m dnn_porting` and `python -m profiler` are run as a user runs them.
"""

import atexit
import gc
import importlib
import os
import re
import runpy
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from namespaces import PRIVATE_PLACES, adopt_orphans, isolate, mount, read_by_mode_only
from watched_names import name_server, queried
from watched_places import listed, state, text_of
from watched_processes import LOOK_S, Busy, ended_processes, memory_bytes

ROOT = Path(__file__).parent.parent
SUPPORT = SimpleNamespace(**runpy.run_path(str(ROOT / "tests" / "support.py"), run_name="support"))
# ONNX Runtime is not in the list, because a forked process has none of its threads.
IMPORTED = (
    "datamodules.digits", "onnx", "onnxscript.function_libs.torch_lib.ops", "porting.configuration.settings",
    "porting.training.training_loop", "torch_pruning",
)  # fmt: skip
# Ctrl-C works within 2 s on an idle machine.
CTRL_C_S = 4.0
# A command without computation for this time waits without an end.
IDLE_LIMIT_S = 11.0
# Outcomes of verify and of planners that depend on the load of the machine and not on the file.
LOAD = re.compile(
    r"figures (moved|could not be measured again)|no variant of \S+ is on the frontier|the conditions was disturbed"
)
# All control characters but the newline and the tab, and the characters that change the direction of a text.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Command:
    """A command in the folder `cwd` of a case, and the time of its interruption.

    `until` is a text of stdout. After this text `ask` is called, its answer is kept, and Ctrl-C follows. `serve` is
    called before the start, in the command's own network. Without `reads_all`, file modes count for root too.
    """

    arguments: Sequence[str]
    module: str = "dnn_porting"
    reads_all: bool = True
    until: str = ""
    ask: Callable[[], str] | None = None
    serve: Callable[[], None] | None = None
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Seen:
    """The outcome; `peak_bytes` is of all processes of the command together."""

    code: int
    seconds: float
    peak_bytes: int
    out: str
    err: str
    answer: str = ""
    ended_by: str = ""
    leftovers: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def outermost_touched(self) -> list[str]:
        """The touched paths without those in a folder that is also in the list."""
        return [path for path in self.touched if not any(path.startswith(f"{other}/") for other in self.touched)]

    @property
    def follows_load(self) -> bool:
        """Whether the load of the machine decides the outcome, as it moves figures or leaves none that compare."""
        return bool(LOAD.search(self.err))

    @property
    def lines(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.strip()]


def warm(more: Sequence[str] = ()) -> None:
    """Imports the slow modules and runs nothing."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["COLUMNS"] = "240"
    sys.path.insert(0, str(ROOT))
    for name in (*IMPORTED, *more):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def watch(folder: Path, command: Command, limit_s: float, limit_bytes: int, hidden: Sequence[Path] = ()) -> Seen:
    """Runs the command in a made case; this process is in namespaces of its own from then on.

    The folders `hidden` are empty there, and a write to them counts as touched.
    """
    isolated = True
    try:
        isolate([folder, ROOT, Path(sys.prefix), Path(sys.base_prefix)], folder / "resolv.conf")
        for place in hidden:
            mount("none", place, "tmpfs", 0)
    except OSError:
        isolated = False
    adopt_orphans()
    places = [folder / "tmp", *(PRIVATE_PLACES if isolated else ())]
    before, lying = state(folder), listed(places)
    names = name_server() if isolated else None
    if command.serve:
        command.serve()
    began = time.monotonic()
    child = os.fork()
    if not child:
        become(folder, command)
    seen = followed(child, folder, command, began, (limit_s, limit_bytes), names)
    seen.leftovers += ended_processes() + sorted(listed(places) - lying)
    after = state(folder)
    seen.touched = sorted(str(path) for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    seen.touched += sorted(listed(hidden)) if isolated else []
    return seen


def followed(
    child: int, folder: Path, command: Command, began: float, limits: tuple[float, int], names: socket.socket | None
) -> Seen:
    """Looks at the child until it ends or reaches a limit."""
    seen, code, waiting, busy = Seen(0, 0.0, 0, "", ""), None, command.until, Busy(began)
    while code is None:
        time.sleep(LOOK_S)
        done, status = os.waitpid(child, os.WNOHANG)
        code = os.waitstatus_to_exitcode(status) if done else None
        seen.seconds = time.monotonic() - began
        seen.peak_bytes = max(seen.peak_bytes, memory_bytes())
        seen.asked += queried(names)
        if code is None and not seen.ended_by:
            late = seen.seconds > limits[0] or (not command.until and busy.idle_s() > IDLE_LIMIT_S)
            seen.ended_by = "time" if late else "memory" if seen.peak_bytes > limits[1] else ""
            if seen.ended_by:
                code = ended(child, seen)
        if code is None and waiting and waiting in text_of(folder / "out"):
            waiting = ""
            seen.answer = command.ask() if command.ask else ""
            os.kill(child, signal.SIGINT)
    seen.code, seen.out, seen.err = code, text_of(folder / "out"), text_of(folder / "err")
    return seen


def ended(child: int, seen: Seen) -> int:
    """Ends the child by Ctrl-C, else by force; returns its exit code."""
    os.kill(child, signal.SIGINT)
    deadline = time.monotonic() + CTRL_C_S
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(LOOK_S)
    os.kill(child, signal.SIGKILL)
    seen.ended_by += ", and Ctrl-C does nothing"
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def become(folder: Path, command: Command) -> None:
    """Turns this forked process into the command; does not return."""
    code = 1
    try:
        os.setsid()
        for descriptor, name in enumerate((os.devnull, str(folder / "out"), str(folder / "err"))):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC), descriptor)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
        os.chdir(folder / "cwd")
        os.environ.update(surroundings(folder) | command.environment)
        tempfile.tempdir = None
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if not command.reads_all:
            read_by_mode_only()
        sys.argv = [command.module, *command.arguments]
        runpy.run_module(command.module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(BaseException):
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(BaseException):
                stream.flush()
        os._exit(code)


def surroundings(folder: Path) -> dict[str, str]:
    """The environment variables of a case."""
    return {
        "TMPDIR": str(folder / "tmp"), "HOME": str(folder / "home"), "MPLCONFIGDIR": str(folder.parent / ".matplotlib"),
        "PYTHONPATH": str(ROOT), "COLUMNS": "240",
    }  # fmt: skip
