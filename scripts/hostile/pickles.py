"""Hostile pickles: each calls a function that makes the canary file during its read."""

import builtins
import os
import pickle
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from hostile.door import RAN, Inputs, Put, inside

CALLS = (
    "os.system",
    "builtins.eval",
    "builtins.exec",
    "builtins.open",
    "subprocess.call",
    "os.mkdir",
    "runpy",
    "numpy.save",
    "shutil.copy",
    "Path.touch",
)


class Call:
    """The call of a pickle during its read."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def calls(case: Path) -> dict[str, Call]:
    """The calls, each of which makes the canary file."""
    canary = str(case / "canary" / RAN)
    made = f"open({canary!r}, 'w').close()"
    script = inside(case, "script.py")
    script.write_text(made)
    return {
        "os.system": Call(os.system, f"touch {canary}"),
        "builtins.eval": Call(builtins.eval, made),
        "builtins.exec": Call(builtins.exec, made),
        "builtins.open": Call(builtins.open, canary, "w"),
        "subprocess.call": Call(subprocess.call, ["touch", canary]),
        "os.mkdir": Call(os.mknod, canary),
        "runpy": Call(runpy.run_path, str(script)),
        "numpy.save": Call(np.save, canary, 1),
        "shutil.copy": Call(shutil.copy, "/etc/hostname", canary),
        "Path.touch": Call(Path.touch, Path(canary)),
    }


def pickled(which: str, where: str) -> Put:
    def put(case: Path) -> None:
        import torch

        path, call = inside(case, "weights.pt"), calls(case)[which]
        if where == "a bare pickle":
            path.write_bytes(pickle.dumps(call))
        else:
            torch.save({"a": call}, path, _use_new_zipfile_serialization=where == "in the archive")

    return put


def inputs() -> Inputs:
    for which in CALLS:
        for where in ("in the archive", "in the old format", "a bare pickle"):
            yield f"{which} {where}", pickled(which, where)
