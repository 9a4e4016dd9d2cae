"""The door of checkpoints, and their contents."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from watched_commands import Command

from hostile import own_weights, pickles, safetensors_files, zips
from hostile.door import UNTRACKED, Door, Inputs, Put, inside
from hostile.values import DIRTY

CHECKPOINT_SIZE = ["backbone=resnet8", "backbone.width=0.5", "datamodule=digits", UNTRACKED, "workspace={case}/ws"]


def named(text: str) -> Callable[[Any], Any]:
    """A tensor of that name."""
    return lambda torch: {text: torch.ones(1)}


CONTENTS: dict[str, Callable[[Any], Any]] = {
    "keys that are numbers": lambda torch: {1: torch.ones(1), 2: torch.ones(1)},
    "keys that are bytes": lambda torch: {b"a": torch.ones(1)},
    "keys that are tuples": lambda torch: {("a",): torch.ones(1)},
    "keys that are nothing": lambda torch: {None: torch.ones(1)},
    "keys of both kinds": lambda torch: {"a": torch.ones(1), 1: torch.ones(1)},
    "no tensors": lambda _: {"a": 1, "b": "text"},
    "a list": lambda torch: [torch.ones(1)],
    "a tensor": lambda torch: torch.ones(3),
    "a number": lambda _: 7,
    "a text": lambda _: "weights",
    "nothing": lambda _: None,
    "an empty dictionary": lambda _: {},
    "dictionaries in dictionaries": lambda torch: nested(torch, 900),
    "itself": lambda _: recursive(),
    "10^5 tensors": lambda torch: {f"w{index}": torch.zeros(1) for index in range(100_000)},
    "10^12 elements of one": lambda torch: {"conv.weight": torch.zeros(1).expand(10**12)},
    "10^12 elements of one, as they are": lambda torch: {
        "conv1.weight": torch.zeros(1).as_strided((10**6, 10**6), (0, 0))
    },
    "sparse tensors": lambda torch: {"a": torch.sparse_coo_tensor([[0]], [1.0], (10**12,))},
    "complex tensors": lambda torch: {"a": torch.ones(2, dtype=torch.complex64)},
    "tensors of a meta device": lambda torch: {"a": torch.ones(10**9, device="meta")},
    "quantised tensors": lambda torch: {"a": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8)},
    "a state of a state": lambda torch: {"state_dict": {"state_dict": {"model": {"a": torch.ones(1)}}}},
    **{f"names: {name}": named(text) for name, text in DIRTY.items()},
}


def filled(case: Path) -> list[str]:
    return [text.replace("{case}", str(case)) for text in CHECKPOINT_SIZE]


def weights(case: Path) -> Path:
    """The only file of the case."""
    return next((case / "in").glob("weights.*"))


def saved(make: Callable[[Any], Any], legacy: bool = False) -> Put:
    """The value of `make`, saved by torch."""

    def put(case: Path) -> None:
        import torch

        # A process of its own makes the file, because pickle uses a few calls for each nested dictionary.
        sys.setrecursionlimit(20_000)
        torch.save(make(torch), inside(case, "weights.pt"), _use_new_zipfile_serialization=not legacy)

    return put


def nested(torch: Any, depth: int) -> Any:
    value: Any = torch.ones(1)
    for _ in range(depth):
        value = {"model": value}
    return value


def recursive() -> Any:
    value: dict[str, Any] = {}
    value["state_dict"] = value
    return value


def inputs() -> Inputs:
    for name, make in CONTENTS.items():
        yield name, saved(make)
    for name in ("keys that are numbers", "a list", "names: ANSI", "10^12 elements of one"):
        yield f"{name}, in the old format", saved(CONTENTS[name], legacy=True)


door = Door(
    "checkpoint",
    lambda case: shutil.copy(
        next((case / "base").glob("tasks/*/variants/digits-resnet8-????????/model.safetensors")),
        inside(case, "weights.safetensors"),
    ),
    {
        "import": lambda case: Command([f"model={weights(case)}", "stage=import", *filled(case)]),
        "initial weights": lambda case: Command(
            [f"train.weights={weights(case)}", "stage=train", "train.epochs=1", *filled(case)]
        ),
    },
    parts=("base",),
)
for one in (inputs(), pickles.inputs(), own_weights.inputs(), zips.inputs(), safetensors_files.inputs()):
    door.add_all(one)
