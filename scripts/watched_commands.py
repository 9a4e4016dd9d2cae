"""One command of the project, watched: time, memory, words, code, leftovers, what it touched and whom it asked for.

The command is forked from this interpreter, which has the slow imports behind it (`warm`), and is a process of its
own for all else, in namespaces of its own. `python -m porting` and `python -m profiler` are run as a user runs them.
"""

import atexit
import gc
import hashlib
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

import psutil
from namespaces import PRIVATE_PLACES, adopt_orphans, isolate, mount, read_by_mode_only

ROOT = Path(__file__).parent.parent
SUPPORT = SimpleNamespace(**runpy.run_path(str(ROOT / "tests" / "support.py"), run_name="support"))
# Not ONNX Runtime, which starts a thread that a forked process would lack.
IMPORTED = (
    "datamodules.digits", "onnx", "onnxscript.function_libs.torch_lib.ops", "porting.settings",
    "porting.training.fit", "torch_pruning",
)  # fmt: skip
LOOK_S, ENDS_WITHIN_S = 0.05, 3.0
# Ctrl-C works within 2 s on a machine that has nothing else to do.
CTRL_C_S = 4.0
# Who computes nothing for so long waits for what will not come.
IDLE_LIMIT_S, IDLE_CPU_S = 11.0, 0.02
WATCHED = ("home", "precious", "canary")
NAME_SERVER = ("127.0.0.1", 53)
CANNOT_FIND = 0x8183
# All but a line's end and a tab, and what turns the direction of a text.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Command:
    """What is run in the folder `cwd` of a case, and when it is interrupted.

    `until` is a text of stdout after which `ask` is called, whose answer is kept, and Ctrl-C follows. `serve` is
    called before the start, in the command's own network. Without `reads_all`, modes count for root too.
    """

    arguments: Sequence[str]
    module: str = "porting"
    reads_all: bool = True
    until: str = ""
    ask: Callable[[], str] | None = None
    serve: Callable[[], None] | None = None
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Seen:
    """What came of it; `peak_bytes` is of all processes of the command together."""

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
        """Without what lies in a folder that is named too."""
        return [path for path in self.touched if not any(path.startswith(f"{other}/") for other in self.touched)]

    @property
    def lines(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.strip()]


def warm(more: Sequence[str] = ()) -> None:
    """Imports what takes long; nothing is run."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["COLUMNS"] = "240"
    sys.path.insert(0, str(ROOT))
    for name in (*IMPORTED, *more):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def made_case(folder: Path) -> Path:
    """The folders of a case, all of them empty but for what is precious."""
    for name in ("cwd", "tmp", *WATCHED):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "precious" / "file").write_bytes(b"precious\n" * 100)
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    return folder


def watch(folder: Path, command: Command, limit_s: float, limit_bytes: int, hidden: Sequence[Path] = ()) -> Seen:
    """Runs the command in a made case; this process is in namespaces of its own from then on.

    The folders `hidden` are empty there, and what is written to them is told as touched.
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
    """Looks at the child until it ends or has to be ended."""
    seen, code, waiting, busy = Seen(0, 0.0, 0, "", ""), None, command.until, Busy(began)
    while code is None:
        time.sleep(LOOK_S)
        done, status = os.waitpid(child, os.WNOHANG)
        code = os.waitstatus_to_exitcode(status) if done else None
        seen.seconds = time.monotonic() - began
        seen.peak_bytes = max(seen.peak_bytes, memory_bytes())
        seen.asked += heard(names)
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
    """Ends the child by Ctrl-C, else by force; its code."""
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


class Busy:
    """Whether the processes below this one compute anything."""

    def __init__(self, began: float) -> None:
        self._since, self._used_s = began, 0.0

    def idle_s(self) -> float:
        """For how long they have not."""
        used_s = 0.0
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                used_s += sum(process.cpu_times()[:2])
        if abs(used_s - self._used_s) > IDLE_CPU_S:
            self._since, self._used_s = time.monotonic(), used_s
        return time.monotonic() - self._since


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
    """The environment of a case."""
    return {
        "TMPDIR": str(folder / "tmp"), "HOME": str(folder / "home"), "MPLCONFIGDIR": str(folder.parent / ".matplotlib"),
        "PYTHONPATH": str(ROOT), "COLUMNS": "240",
    }  # fmt: skip


def memory_bytes() -> int:
    """What all descendants hold that lies in no file."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        with suppress(OSError, psutil.Error):
            status = Path(f"/proc/{process.pid}/status").read_text()
            total += sum(int(found) for found in re.findall(r"Rss(?:Anon|Shmem):\s+(\d+)", status)) << 10
    return total


def ended_processes() -> list[str]:
    """Names of the processes that outlive the command; they are ended."""
    deadline = time.monotonic() + ENDS_WITHIN_S
    while (living := running()) and time.monotonic() < deadline:
        time.sleep(LOOK_S)
    names = []
    for process in living:
        with suppress(psutil.Error):
            names.append(f"process {process.name()}")
            process.kill()
    return names


def running() -> list[psutil.Process]:
    """The descendants that are no zombies; those are buried."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    found = psutil.Process().children(recursive=True)
    return [one for one in found if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def listed(places: Sequence[Path]) -> set[str]:
    return {str(path) for place in places if place.is_dir() for path in place.iterdir()}


def state(folder: Path) -> dict[Path, str]:
    """What lies in the watched folders, with a digest of each file."""
    found = {}
    for path in (path for name in WATCHED for path in (folder / name).rglob("*")):
        plain = path.is_file() and not path.is_symlink()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if plain else ""
        found[path.relative_to(folder)] = f"{path.lstat().st_mode}{content}"
    return found


def text_of(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def name_server() -> socket.socket | None:
    """Where a name would be asked for."""
    try:
        found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        found.bind(NAME_SERVER)
        found.setblocking(False)
    except OSError:
        return None
    return found


def heard(names: socket.socket | None) -> list[str]:
    """The names asked for since the last call; each is answered with "no such name"."""
    found: list[str] = []
    with suppress(BlockingIOError):
        while names is not None:
            question, caller = names.recvfrom(4096)
            names.sendto(question[:2] + CANNOT_FIND.to_bytes(2, "big") + question[4:], caller)
            found.append(asked_name(question[12:]))
    return found


def asked_name(question: bytes) -> str:
    """The dotted name at the beginning of a question."""
    parts = []
    while question and question[0]:
        parts.append(question[1 : 1 + question[0]].decode(errors="replace"))
        question = question[1 + question[0] :]
    return ".".join(parts)
