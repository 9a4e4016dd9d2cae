"""The hostile inputs, and the doors: a good input for each, and the commands that read it."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watched_commands import Command

from profiler.common.files import sealed

Put = Callable[[Path], object]
Ask = Callable[[Path], Command]
Inputs = Iterator[tuple[Any, ...]]
UNTRACKED, IN_PROCESS = "tracking.enabled=false", "targets.local_cpu.runtime=onnxruntime"
# A process that runs the code of an input makes a file of this name in its working directory.
RAN = "canary_ran"
LEVEL = (
    "profile.latency.batches=[1]",
    "profile.latency.seconds=0.02",
    "profile.throughput.batches=[1]",
    "profile.throughput.max_concurrency=1",
    "profile.throughput.search_seconds=0.02",
    "profile.throughput.settle_seconds=0.05",
    "profile.warm_up=null",
)


@dataclass(frozen=True)
class Input:
    """A name that is unique at its door, and the function that lays it out in the folder of a case.

    `waits_s` is the time that a command may wait for it by the documented limit.
    """

    door: str
    name: str
    put: Put
    commands: Sequence[str] = ()
    waits_s: float = 0.0


@dataclass(frozen=True)
class Door:
    """`parts` are those of the small workspace that a case copies."""

    name: str
    good: Put
    commands: dict[str, Ask]
    parts: Sequence[str] = ()
    inputs: list[Input] = field(default_factory=list)

    def add(self, name: str, put: Put, *commands: str, waits_s: float = 0.0) -> None:
        """Adds one input, for all commands of the door or for some."""
        self.inputs.append(Input(self.name, name, put, commands or tuple(self.commands), waits_s))

    def add_all(self, inputs: Iterable[tuple[Any, ...]]) -> None:
        """Adds inputs, each with a name, its layout, and its commands where they are not all."""
        for one in inputs:
            self.add(*one)


def fitting(value: Any) -> str:
    """The JSON text of a record, with a right seal for any content."""
    if not isinstance(value, dict):
        return json.dumps(value)
    return sealed(json.dumps({name: one for name, one in value.items() if name != "seal"}, indent=1))


def inside(case: Path, *parts: str) -> Path:
    """A path below `in`, whose folder exists."""
    path = case.joinpath("in", *parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def content(*parts: str, data: bytes | str) -> Put:
    """A file with that content."""

    def put(case: Path) -> None:
        inside(case, *parts).write_bytes(data.encode() if isinstance(data, str) else data)

    return put


def workspace(case: Path) -> str:
    return f"workspace={case / 'ws'}"


def request_of(case: Path) -> dict[str, object]:
    """The good request, with points of milliseconds."""
    request: dict[str, object] = json.loads((case / "box" / "request.json").read_text())
    settings = request["settings"]
    assert isinstance(settings, dict)
    settings["latency"] |= {"batches": [1], "seconds": 0.02}
    settings["throughput"] |= {"batches": [1], "max_concurrency": 1, "search_seconds": 0.02, "settle_seconds": 0.05}
    return request


def profiler(model: str, request: str = "", output: str = "new.json") -> Ask:
    """`python -m profiler` on files of the case; without a named request, the good one."""

    def ask(case: Path) -> Command:
        path = case / (request or "good-request.json")
        if not request:
            path.write_text(json.dumps(request_of(case)))
        return Command([str(case / model), str(path), "--output", str(case / output)], module="profiler")

    return ask


def words(*texts: str) -> Ask:
    """A command in whose words {case} stands for the folder of the case."""
    return lambda case: Command([text.replace("{case}", str(case)) for text in texts])


def served(*texts: str) -> Ask:
    """The same command, interrupted when it serves."""
    return lambda case: Command([text.replace("{case}", str(case)) for text in texts], until="Ctrl-C stops")
