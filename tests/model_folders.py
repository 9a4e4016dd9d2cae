"""Model folders to lint: a good configuration, edits of it, and a network to lie beside it."""

from collections.abc import Callable
from pathlib import Path

import onnx
from onnx import ModelProto
from support import write_network

GOOD = """
backend: "onnxruntime"
max_batch_size: 4
input [{ name: "input" data_type: TYPE_FP32 dims: [1, 8, 8] }]
output [{ name: "logits" data_type: TYPE_FP32 dims: [3] }]
instance_group [{ count: 1 kind: KIND_CPU }]
"""
LABELLED = GOOD.replace("dims: [3]", 'dims: [3] label_filename: "labels.txt"')


def edited(old: str, new: str) -> str:
    """The good configuration with one change."""
    assert old in GOOD
    return GOOD.replace(old, new)


def warm_up(source: str = "zero_data: true", dims: str = "[1, 8, 8]", kind: str = "TYPE_FP32", batch: int = 1) -> str:
    """The good configuration with one warm-up sample."""
    given = f'inputs {{ key: "input" value {{ data_type: {kind} dims: {dims} {source} }} }}'
    return f'{GOOD}model_warmup [{{ name: "w" batch_size: {batch} {given} }}]\n'


def ensemble(**parts: str) -> str:
    """An ensemble of one step; `parts` replace what it is made of."""
    made = {
        "head": "",
        "batch": "4",
        "output": "TYPE_FP32 dims: [3]",
        "member": 'model_name: "ensemble-member" model_version: -1',
        "input_map": 'input_map { key: "input" value: "x" }',
        "output_map": 'output_map { key: "logits" value: "y" }',
        **parts,
    }
    return (
        f'platform: "ensemble"\nmax_batch_size: {made["batch"]}\n{made["head"]}\n'
        'input [{ name: "x" data_type: TYPE_FP32 dims: [1, 8, 8] }]\n'
        f'output [{{ name: "y" data_type: {made["output"]} }}]\n'
        f"ensemble_scheduling {{ step [{{ {made['member']} {made['input_map']} {made['output_map']} }}] }}\n"
    )


def place(root: Path, name: str, config: str | bytes | None = GOOD, version: str | None = "1") -> Path:
    """A model folder with a configuration and, where it names no ensemble, a network; returns the folder."""
    folder = root / name
    folder.mkdir()
    if config is not None:
        (folder / "config.pbtxt").write_bytes(config.encode() if isinstance(config, str) else config)
    if version is not None:
        place_version(
            folder, version, empty=config is not None and b"ensemble" in (folder / "config.pbtxt").read_bytes()
        )
    return folder


def place_version(folder: Path, version: str, content: bytes | None = None, empty: bool = False) -> Path:
    """A version folder with a network, or with a file of that content; returns the folder."""
    home = folder / version
    home.mkdir(exist_ok=True)
    if content is not None:
        (home / "model.onnx").write_bytes(content)
    elif not empty:
        write_network(home / "model.onnx")
    return home


def change_network(folder: Path, change: Callable[[ModelProto], object], version: str = "1") -> None:
    """Changes the network of a version."""
    path = folder / version / "model.onnx"
    network = onnx.load(path)
    change(network)
    path.write_bytes(network.SerializeToString())
