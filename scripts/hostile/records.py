"""Hostile records of a workspace: calls of functions, and values of another kind."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from hostile.door import RAN, UNTRACKED, Door, Inputs, Put, fitting, inside, words
from hostile.values import HUGE, WRONG, Json, assign, path_of

Change = Callable[[Json, Path], object]
VALUES = (
    "network.num_classes",
    "network.in_channels",
    "network.backbone.width",
    "name",
    "task",
    "parent",
    "stage",
    "labels",
    "onnx.opset",
    "onnx.input",
    "onnx.sha256",
    "lineage",
    "key",
    "technique",
)


def called(target: str, **arguments: Json) -> Json:
    return {"_target_": target, **arguments}


def script(case: Path) -> Path:
    path = inside(case, "plugin", "script.py")
    path.write_text(f"open('{case}/canary/{RAN}', 'w').close()\ndef run(**_): ...\n")
    (path.parent / "hubconf.py").write_text(path.read_text() + "def m(): ...\n")
    return path


TARGETS: dict[str, Callable[[Path], Json]] = {
    "os.system": lambda case: called("os.system", command=f"touch {case}/canary/{RAN}"),
    "subprocess.run": lambda case: called("subprocess.run", args=["touch", f"{case}/canary/{RAN}"]),
    "builtins.exec": lambda case: called("builtins.exec", _args_=[f"open('{case}/canary/{RAN}', 'w')"]),
    "builtins.open": lambda case: called("builtins.open", file=f"{case}/canary/{RAN}", mode="w"),
    "io.open": lambda case: called("io.open", file=f"{case}/canary/{RAN}", mode="w"),
    "pathlib.Path.touch": lambda case: called("pathlib.Path.touch", _args_=[f"{case}/canary/{RAN}"]),
    "os.mknod": lambda case: called("os.mknod", path=f"{case}/canary/{RAN}"),
    "runpy.run_path": lambda case: called("runpy.run_path", path_name=str(script(case))),
    "torch.hub.load": lambda case: called(
        "torch.hub.load", repo_or_dir=str(script(case).parent), model="m", source="local"
    ),
    "importlib": lambda _: called("importlib.import_module", name="antigravity"),
    "a plugin": lambda case: called("script.run", folder=str(script(case).parent)),
    "our own writer": lambda case: called(
        "profiler.common.files.write_atomically", path=f"{case}/canary/{RAN}", content="x"
    ),
    "our own remover": lambda case: called("profiler.common.folders.remove", folder=f"{case}/precious"),
    "shutil.rmtree": lambda case: called("shutil.rmtree", path=f"{case}/precious"),
    "hydra's own": lambda case: called(
        "hydra.utils.call", config={"_target_": "os.system", "command": f"touch {case}/canary/{RAN}"}
    ),
    "nowhere": lambda _: called("nowhere.at.all"),
    "an empty name": lambda _: called(""),
    "ANSI": lambda _: called("a\x1b[31m.b"),
}


def damaged(change: Change) -> Put:
    def put(case: Path) -> None:
        path = next((case / "base").glob("tasks/*/variants/digits-resnet8-????????/variant.json"))
        record = json.loads(path.read_text())
        change(record, case)
        path.write_text(fitting(record))

    return put


def calls() -> Inputs:
    for name, target in TARGETS.items():
        for where, change in calling(target).items():
            yield f"{where} {name}", damaged(change)


def calling(target: Callable[[Path], Json]) -> dict[str, Change]:
    """Records that call a function in the place of a value."""
    return {
        "width is a call of": lambda one, case: one["network"]["backbone"].update(width=target(case)),
        "backbone is a call of": lambda one, case: one["network"].update(backbone=target(case)),
        "in a list:": lambda one, case: one["network"]["backbone"].update(width=[{"a": [target(case)]}]),
    }


def values() -> Inputs:
    chance = random.Random(23)
    for field in VALUES:
        path = path_of(field)
        for new in (*chance.sample(HUGE, 2), *chance.sample(WRONG, 3)):
            yield f"{field} = {str(new)[:24]!r}", assigned(path, new)


def assigned(path: Sequence[str | int], new: Json) -> Put:
    return damaged(lambda record, _: assign(record, path, new))


door = Door(
    "record",
    lambda _: None,
    {
        "prune": words(
            "stage=prune",
            "prune.ratios=[0.25]",
            "pruner=[l1]",
            UNTRACKED,
            "backbone.width=0.5",
            "workspace={case}/base",
        ),
        "export": words("stage=export", "export.opset=19", UNTRACKED, "backbone.width=0.5", "workspace={case}/base"),
        "publish": words("stage=publish", UNTRACKED, "workspace={case}/base"),
    },
    parts=("base",),
)
door.add_all(calls())
door.add_all(values())
