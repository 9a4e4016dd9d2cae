"""Hostile names: of workspaces, files, tasks, folders of pictures, TMPDIR and folders of settings."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from watched_commands import Command

from hostile.door import IN_PROCESS, LEVEL, RAN, UNTRACKED, Ask, Door, Put, request_of
from hostile.onnx_made import good_bytes

NAMES = {
    "a shell's call": f"$(touch {RAN})",
    "backquotes": f"`touch {RAN}`",
    "a command": f"; touch {RAN} ;",
    "a pipe": f"x|touch {RAN}",
    "blanks": "a b  c",
    "a newline": "a\nb",
    "quotes": "a'b\"c",
    "ANSI": "a\x1b[31mb",
    "RTL": "a\u202eb",
    "an option": "--help",
    "an equals sign": "a=b",
    "braces": "{a,b}",
    "brackets": "[/x]",
    "an interpolation": "${oc.env:HOME}",
    "percent": "%s%n%x",
    "hash": "a#b?c",
    "colon": "C:x",
    "other letters": "日本ü",
    "long": "x" * 200,
    "dollars": "$HOME",
    "a comma": "a,b",
}
MEASURED = [UNTRACKED, IN_PROCESS, *LEVEL, "profile.budget_s=60", "datamodule=none"]
Placed = Callable[[Path, str], Command]


def quoted(text: str) -> str:
    """Any text as the value of an override."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${") + "'"


def in_workspace(case: Path, name: str) -> Command:
    model = copied(case, case / "in" / "model.onnx")
    workspace = case / "in" / name
    return Command(
        [f"model={model}", "stage=[import,profile,publish]", *MEASURED, f"workspace={quoted(str(workspace))}"]
    )


def of_model(case: Path, name: str) -> Command:
    model = copied(case, case / "in" / f"{name}.onnx")
    return Command([f"model={quoted(str(model))}", "stage=import", *MEASURED, f"workspace={case / 'ws'}"])


def of_task(case: Path, name: str) -> Command:
    model = copied(case, case / "in" / "model.onnx")
    return Command(
        [
            f"model={model}",
            "stage=[import,profile,publish]",
            f"task={quoted(name)}",
            *MEASURED,
            f"workspace={case / 'ws'}",
        ]
    )


def of_measured(case: Path, name: str, runtime: str = "onnxruntime") -> Command:
    """python -m profiler with a model, a request and an output of that name."""
    folder = case / "in" / name
    folder.mkdir(parents=True)
    model, request = copied(case, folder / f"{name}.onnx"), request_of(case)
    assert isinstance(request["target"], dict)
    request["target"]["runtime"] = runtime
    (folder / "r.json").write_text(json.dumps(request))
    return Command([str(model), str(folder / "r.json"), "--output", str(folder / "out.json")], module="profiler")


def of_temporary(case: Path, name: str) -> Command:
    """The profiler with a Triton of its own, and a TMPDIR of that name."""
    folder = case / "in" / name
    folder.mkdir(parents=True)
    command = of_measured(case, "plain", "triton")
    return Command(command.arguments, module="profiler", environment={"TMPDIR": str(folder)})


def of_triton(case: Path, name: str) -> Command:
    return of_measured(case, name, "triton")


def of_repository(verb: str, *more: str) -> Placed:
    def command(case: Path, name: str) -> Command:
        root = case / "in" / name / "repository"
        shutil.copytree((case / "base" / "repository").resolve(), root)
        return Command([verb, str(root), *more], until="Ctrl-C stops" if verb == "serve" else "")

    return command


def of_classes(case: Path, name: str) -> Command:
    from PIL import Image

    for index, one in enumerate((name, "plain")):
        folder = case / "in" / "pictures" / one
        folder.mkdir(parents=True)
        for number in range(8):
            Image.new("RGB", (16, 16), (index * 200, number * 9, 0)).save(folder / f"{number}.png")
    small = ["stage=train", "train.epochs=1", "backbone.width=0.5", "datamodule.size=16", "task=t", UNTRACKED]
    return Command(
        ["datamodule=image_folder", f"datamodule.root={case / 'in' / 'pictures'}", *small, f"workspace={case / 'ws'}"]
    )


def of_settings(case: Path, name: str) -> Command:
    folder = case / "in" / name
    (folder / "experiment").mkdir(parents=True)
    (folder / "experiment" / "mine.yaml").write_text("# @package _global_\ntrain: {epochs: 1}\n")
    words = ["--config-dir", str(folder), "experiment=mine", "stage=train", "dry_run=true", UNTRACKED]
    return Command([*words, f"workspace={case / 'ws'}"])


def of_output(case: Path, name: str) -> Command:
    return Command(["request", "--output", str(case / "in" / f"{name}.json")])


def copied(case: Path, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(good_bytes())
    return path


PLACES: dict[str, Placed] = {
    "workspace": in_workspace,
    "model": of_model,
    "task": of_task,
    "profiler's files": of_measured,
    "profiler's files, by Triton": of_triton,
    "TMPDIR": of_temporary,
    "serve": of_repository("serve"),
    "lint": of_repository("lint"),
    "select": of_repository("select"),
    "verify": of_repository("verify", "--variants", "1"),
    "classes": of_classes,
    "settings": of_settings,
    "output": of_output,
}


def named(place: Placed) -> Ask:
    """The command for the name of the case."""
    return lambda case: place(case, (case / "name").read_text())


def put_name(text: str) -> Put:
    def put(case: Path) -> None:
        (case / "in").mkdir()
        (case / "name").write_text(text)

    return put


door = Door("name", put_name("good"), {name: named(place) for name, place in PLACES.items()}, parts=("base", "box"))
# Each of these cases starts a server.
FEW = (
    "a shell's call",
    "backquotes",
    "a command",
    "blanks",
    "a newline",
    "quotes",
    "ANSI",
    "RTL",
    "dollars",
    "an option",
)
for what, text in NAMES.items():
    servers = ("serve", "TMPDIR", "profiler's files, by Triton")
    door.add(what, put_name(text), *(place for place in PLACES if place not in servers or what in FEW))
