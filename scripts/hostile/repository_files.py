"""Hostile repositories: files and names."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from hostile.configurations import FILES
from hostile.door import RAN, Inputs, Put
from hostile.files import special_files
from hostile.onnx_made import good_bytes
from hostile.repository_made import altered, copied, variant
from hostile.repository_values import INDEX
from hostile.values import DIRTY

Change = Callable[[Path], object]


def linked(version: Path) -> None:
    version.rename(version.with_name("real"))
    version.symlink_to("real")


CHANGES: dict[str, Change] = {
    "another version": lambda one: shutil.copytree(one / "1", one / "2"),
    "a version that is a link": lambda one: linked(one / "1"),
    "a version of 10^30": lambda one: (one / "1").rename(one / ("1" + "0" * 30)),
    "an unnamed file": lambda one: (one / "more.txt").write_text("x"),
    "an unnamed program": lambda one: (one / "model.py").write_text(f"open('{RAN}', 'w')"),
    "an unnamed folder": lambda one: (one / "more").mkdir(),
    "an odd name": lambda one: (one / "a\x1b[31m\nb").write_text("x"),
    "a name of a shell": lambda one: (one / f"$(touch {RAN})").write_text("x"),
    "labels without an end": lambda one: (one / "labels.txt").write_text("x" * 10**7),
    "10^6 labels": lambda one: (one / "labels.txt").write_text("x\n" * 10**6),
    "a short example": lambda one: (one / "warmup" / "example").write_bytes(b"x"),
    "no example": lambda one: (one / "warmup" / "example").unlink(),
    "an example of 1 GB": lambda one: os.truncate(one / "warmup" / "example", 1 << 30),
    "another network": lambda one: (one / "1" / "model.onnx").write_bytes(good_bytes()),
    "bytes for a network": lambda one: (one / "1" / "model.onnx").write_bytes(b"x" * 1000),
    "no network": lambda one: (one / "1" / "model.onnx").unlink(),
    "a network of 1 TB": lambda one: os.truncate(one / "1" / "model.onnx", 1 << 40),
}
NAMES = {**DIRTY, "up": "../x", "an option": "--help", "blanks": "a b", "dots": ".."}


def special(file: str, name: str) -> Put:
    def put(case: Path) -> None:
        one = variant(copied(case))
        (one / file).unlink()
        special_files("repository", one.name, *file.split("/"))[name](case)

    return put


def renamed(name: str, text: str) -> Put:
    """The first variant under another name, in all files that have the name."""
    short = text if name == "up" else text[:200].replace("/", "_")

    def change(root: Path) -> None:
        one = variant(root)
        for path in (root / "repository.json", one / "variant.json"):
            path.write_text(path.read_text().replace(one.name, json.dumps(short)[1:-1]))
        if short != "..":
            one.rename(root / short.replace("/", "_"))

    return altered(change, fitting=True)


def of_the_variant(change: Change) -> Change:
    return lambda root: change(variant(root))


def inputs() -> Inputs:
    for name, change in CHANGES.items():
        yield f"files: {name}", altered(of_the_variant(change), fitting="1 TB" not in name), *FILES
    for file in ("1/model.onnx", "config.pbtxt", "labels.txt", "warmup/example", "variant.json"):
        for name in special_files("x"):
            yield f"files: {file} is {name}", special(file, name), *FILES[:3]
    for name, text in NAMES.items():
        yield f"a variant's name: {name}", renamed(name, text), *INDEX, "serve"
