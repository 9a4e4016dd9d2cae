"""A repository of small real networks that a server loads, written by the real writer from made-up rates."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from full_profile import item
from made_points import load_point
from made_tasks import planning_profile
from support import CLASSES, SIZE, write_network

from porting.repository import Repository
from porting.repository.publishing.offers import Offer
from porting.repository.publishing.writer import publish
from porting.repository.schema import TensorSpec

TARGET, TASK = "local_cpu", "digits"
LARGE, MIDDLE, SMALL = "digits-large-0000000a", "digits-middle-0000000b", "digits-small-0000000c"
# Accuracy, images/s on a core as the metadata say, and what the network answers to tell it by.
VARIANTS = {LARGE: (0.96, 60.0, 1.0), MIDDLE: (0.92, 240.0, 2.0), SMALL: (0.8, 900.0, 3.0)}
BROKEN = 0.0
Variants = Mapping[str, tuple[float, float, float]]


def live_items(folder: Path, variants: Variants = VARIANTS, task: str = TASK) -> list[Offer]:
    """Each with a network of its own and an input to warm up with."""
    folder.mkdir(parents=True, exist_ok=True)
    return [live_item(folder, name, task, *figures) for name, figures in variants.items()]


def live_item(folder: Path, name: str, task: str, accuracy: float, images_per_s: float, bias: float) -> Offer:
    # What no server can load, where it is to answer nothing.
    content = b"" if bias == BROKEN else write_network(folder / "written.onnx", bias=bias).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    changes = {
        "task": task,
        "input": TensorSpec(name="input", shape=[1, SIZE, SIZE]),
        "output": TensorSpec(name="logits", shape=[CLASSES]),
        "onnx_sha256": digest,
    }
    load = [load_point(share, offered_per_s=share * images_per_s) for share in (0.1, 0.5, 0.9, 1.1)]
    profile = planning_profile(images_per_s, load=load, onnx_sha256=digest)
    made = item(name, profile, folder, accuracy, **changes)
    made.onnx.write_bytes(content)
    return replace(made, example=np.ones((1, SIZE, SIZE), np.float32))


def live_repository(
    folder: Path, variants: Variants = VARIANTS, others: Mapping[str, Variants] | None = None
) -> Repository:
    """One task, and the `others` by their names; publishing again into the same folder replaces it."""
    found = live_items(folder / "files", variants)
    for task, own in (others or {}).items():
        found += live_items(folder / "files", own, task)
    return publish(folder / "repository", found)
