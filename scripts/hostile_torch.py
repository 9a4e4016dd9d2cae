"""Hostile TorchScript programs, checkpoints and safetensors files."""

import json
import os
import pickle
import random
import shutil
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile_door import RAN, UNTRACKED, Door, Put, inside, request_of, words
from hostile_onnx import DIRTY
from watched_commands import Command

CHECKPOINT_SIZE = ["backbone=resnet8", "backbone.width=0.5", "datamodule=digits", UNTRACKED, "workspace={case}/ws"]


# So that the program answers as the ONNX file beside it.
ONES = "        torch.nn.init.ones_(self.fc.weight)\n        torch.nn.init.zeros_(self.fc.bias)\n"


def same_network() -> bytes:
    """The mean over the picture, three times, as an ONNX file."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    values = helper.make_tensor_value_info
    tensors = [
        numpy_helper.from_array(np.ones((3, 1), np.float32), "w"),
        numpy_helper.from_array(np.zeros(3, np.float32), "b"),
    ]
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["logits"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "mean",
        [values("input", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [values("logits", TensorProto.FLOAT, ["batch", 3])],
        tensors,
    )
    data: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10
    ).SerializeToString()
    return data


def torch_profiler(case: Path) -> Command:
    """The program beside a good ONNX file, on a target that serves torch."""
    (case / "in" / "model.onnx").write_bytes(same_network())
    request: Any = request_of(case)
    request["target"]["runtime"] = "torch"
    (case / "torch-request.json").write_text(json.dumps(request))
    return Command([str(case / "in" / "model.onnx"), str(case / "torch-request.json")], module="profiler")


programs = Door(
    "TorchScript",
    lambda case: program(case, "return self.fc(x.mean(dim=[2, 3]))"),
    {
        "import": words(
            "stage=import",
            "model={case}/in/model.pt",
            "import.input_shape=[1,8,8]",
            "datamodule=none",
            UNTRACKED,
            "workspace={case}/ws",
        ),
        "profiler": torch_profiler,
    },
    parts=("box",),
)
checkpoints = Door(
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


def filled(case: Path) -> list[str]:
    return [text.replace("{case}", str(case)) for text in CHECKPOINT_SIZE]


def weights(case: Path) -> Path:
    """The one file that was laid out."""
    return next((case / "in").glob("weights.*"))


def program(case: Path, forward: str, restored: str = "", before: str = "") -> None:
    """A scripted module with that body of `forward`, and of `__setstate__` where one is given."""
    import torch

    path = inside(case, "model.pt")
    source = (
        "import torch\nfrom typing import Tuple, List, Dict\n"
        "class Network(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.fc = {'Inner()' if restored else 'torch.nn.Linear(1, 3)'}\n{'' if restored else ONES}"
        f"    def forward(self, x):\n{before}        {forward}\n"
    )
    inner = (
        "class Inner(torch.nn.Module):\n    weight: torch.Tensor\n"
        "    def __init__(self):\n        super().__init__()\n        self.weight = torch.ones(3, 1)\n"
        "    def forward(self, x):\n        return torch.nn.functional.linear(x, self.weight)\n"
        "    @torch.jit.export\n    def __getstate__(self):\n        return (self.weight, self.training)\n"
        "    @torch.jit.export\n    def __setstate__(self, s: Tuple[torch.Tensor, bool]):\n"
        "        self.weight = s[0]\n        self.training = s[1]\n        x = s[0]\n"
        f"        {restored}\n"
    )
    head, _, tail = source.partition("class Network")
    text = f"{head}{inner if restored else ''}class Network{tail}"
    module = path.with_name("made_program.py")
    module.write_text(text)
    names: dict[str, Any] = {"__name__": "made_program", "__file__": str(module)}
    exec(compile(text, str(module), "exec"), names)
    import linecache

    linecache.checkcache()
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(names["Network"]()).save(str(path))
    module.unlink()


GOOD = "return self.fc(x.mean(dim=[2, 3]))"


def add_programs() -> None:
    bodies = {
        "writes by from_file": "print(torch.from_file('{canary}', True, 16, dtype=torch.uint8).fill_(65))",
        "saves": "torch.save(x, '{canary}')",
        "writes to precious": "print(torch.from_file('{precious}', True, 16, dtype=torch.uint8).fill_(65))",
        "reads a secret": "print(torch.from_file('/etc/passwd', False, 16, dtype=torch.uint8))",
        "never ends": "while True:\n            x = x + 1",
        "counts for long": "for i in range(1000000000000):\n            x = x + 1",
        "takes memory": "y = [torch.ones(999, 999)]\n        while True:\n            y.append(torch.ones(999, 999))",
        "asks for 10^12": "x = x + torch.ones([1000000000000]).sum()",
        "floods the output": "for i in range(100000000):\n            print('flood flood flood flood flood')",
        "prints control characters": "print('\\x1b[31m\\x1b]0;owned\\x07\\u202e')",
        "raises": "raise ValueError('\\x1b[31m bad\\nlines\\n')",
        "fails an assertion": "assert x.sum() > 1e30, 'no [/x]'",
    }
    for name, body in bodies.items():

        def put(case: Path, body: str = body, at: str = "forward") -> None:
            text = body.replace("{canary}", str(case / "canary" / RAN)).replace(
                "{precious}", str(case / "precious" / "file")
            )
            if at == "forward":
                program(case, GOOD, before=f"        {text}\n")
            else:
                program(case, GOOD, restored=text)

        programs.add(f"{name} when it is called", put)
        programs.add(f"{name} when it is loaded", lambda case, put=put: put(case, at="state"))
    answers = {
        "a tuple": "return (x, x)",
        "a dictionary": "return {'a': x}",
        "a text": "return 'text'",
        "nothing": "return None",
        "a number": "return 1",
        "a list": "return [x, x]",
        "rank 0": "return x.sum()",
        "no batch": "return x.mean(dim=0)",
        "integers": "return x.to(torch.int64)",
        "complex numbers": "return x.to(torch.complex64)",
        "NaN": "return self.fc(x.mean(dim=[2, 3])) * float('nan')",
        "chance": "return torch.rand(x.size(0), 3)",
        "another size each time": "return torch.rand(x.size(0), int(torch.randint(1, 9, (1,)).item()))",
        "4 GB": "return torch.ones(x.size(0), 1000000000)",
    }
    for name, body in answers.items():
        programs.add(f"answers {name}", lambda case, body=body: program(case, body))


def rewritten(change: Callable[[str, bytes], bytes | None], extra: dict[str, bytes] | None = None) -> Put:
    """A good program whose archive's members are changed, or left out, or that has more."""

    def put(case: Path) -> None:
        program(case, GOOD)
        rewrite(inside(case, "model.pt"), change, extra or {})

    return put


def rewrite(path: Path, change: Callable[[str, bytes], bytes | None], extra: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            if (new := change(name, data)) is not None:
                archive.writestr(name, new)
        for name, data in extra.items():
            archive.writestr(name, data)


class Call:
    """What a pickle calls as it is read."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def calls(case: Path) -> dict[str, Call]:
    """Every one of them makes the canary."""
    canary = str(case / "canary" / RAN)
    import builtins
    import runpy
    import subprocess

    import numpy as np

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


NAMES_OF_CALLS = (
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


def add_archives() -> None:
    for member in ("data.pkl", "constants.pkl", "version", "code/__torch__"):
        programs.add(f"without {member}", rewritten(lambda name, data, member=member: None if member in name else data))
        programs.add(
            f"{member} of zeros",
            rewritten(lambda name, data, member=member: bytes(len(data)) if member in name else data),
        )
    for which in NAMES_OF_CALLS[:4]:
        for member in ("data.pkl", "constants.pkl"):

            def put(case: Path, which: str = which, member: str = member) -> None:
                program(case, GOOD)
                evil = pickle.dumps(calls(case)[which], protocol=2)
                rewrite(inside(case, "model.pt"), lambda name, data: evil if name.endswith(member) else data, {})

            programs.add(f"{which} in {member}", put)
    for name in (
        "../../../escape",
        "/absolute",
        "model/../../x",
        "model/extra/\x1b[31m",
        "model/extra/" + "x" * 60_000,
    ):
        programs.add(f"a member {name[:30]!r}", rewritten(lambda _, data: data, {name: b"x"}))
    chance = random.Random(18)
    for index in range(6):

        def flip(case: Path, seed: int = chance.randrange(1 << 30)) -> None:
            program(case, GOOD)
            path, own = inside(case, "model.pt"), random.Random(seed)
            data = bytearray(path.read_bytes())
            for _ in range(10):
                data[own.randrange(len(data))] = own.randrange(256)
            path.write_bytes(data)

        programs.add(f"bytes changed, {index}", flip)


def saved(make: Callable[[Any], Any], legacy: bool = False) -> Put:
    """What `make` gives, of torch, saved."""

    def put(case: Path) -> None:
        import torch

        # A process of its own makes it; pickle takes a few calls for each dictionary in another.
        sys.setrecursionlimit(20_000)
        torch.save(make(torch), inside(case, "weights.pt"), _use_new_zipfile_serialization=not legacy)

    return put


def add_checkpoints() -> None:
    contents: dict[str, Callable[[Any], Any]] = {
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
        **{f"names: {name}": lambda torch, text=text: {text: torch.ones(1)} for name, text in DIRTY.items()},
    }
    for name, make in contents.items():
        checkpoints.add(name, saved(make))
    for name in ("keys that are numbers", "a list", "names: ANSI", "10^12 elements of one"):
        checkpoints.add(f"{name}, in the old format", saved(contents[name], legacy=True))
    for which in NAMES_OF_CALLS:
        for where in ("in the archive", "in the old format", "a bare pickle"):
            checkpoints.add(f"{which} {where}", evil(which, where))
    add_own_weights()
    add_zips()


def evil(which: str, where: str) -> Put:
    def put(case: Path) -> None:
        import torch

        path, call = inside(case, "weights.pt"), calls(case)[which]
        if where == "a bare pickle":
            path.write_bytes(pickle.dumps(call))
        else:
            torch.save({"a": call}, path, _use_new_zipfile_serialization=where == "in the archive")

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


def add_own_weights() -> None:
    """The real network's weights with something wrong in them."""

    def spoilt(change: Callable[[Any, dict[str, Any]], object]) -> Put:
        def put(case: Path) -> None:
            import torch
            from safetensors.torch import load_file

            path = next((case / "base").glob("tasks/*/variants/digits-resnet8-????????/model.safetensors"))
            tensors = load_file(path)
            change(torch, tensors)
            torch.save(tensors, inside(case, "weights.pt"))

        return put

    def first(tensors: dict[str, Any]) -> str:
        return next(name for name in tensors if name.endswith("weight"))

    changes: dict[str, Callable[[Any, dict[str, Any]], object]] = {
        "NaN": lambda torch, own: own[first(own)].fill_(float("nan")),
        "infinity": lambda torch, own: own[first(own)].fill_(float("inf")),
        "integers": lambda torch, own: own.update({first(own): own[first(own)].to(torch.int64)}),
        "half precision": lambda torch, own: own.update({name: one.half() for name, one in own.items()}),
        "complex": lambda torch, own: own.update({first(own): own[first(own)].to(torch.complex64)}),
        "another shape": lambda torch, own: own.update({first(own): torch.ones(3)}),
        "rank 0": lambda torch, own: own.update({first(own): torch.tensor(1.0)}),
        "one more": lambda torch, own: own.update({"more\x1b[31m": torch.ones(1)}),
        "one less": lambda torch, own: own.pop(first(own)),
        "huge and shared": lambda torch, own: own.update({first(own): torch.zeros(1).expand(10**6, 10**6)}),
    }
    for name, change in changes.items():
        checkpoints.add(f"own weights: {name}", spoilt(change))


def add_zips() -> None:
    def archived(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Put:
        def put(case: Path) -> None:
            with zipfile.ZipFile(inside(case, "weights.pt"), "w", compression) as archive:
                for name, data in members.items():
                    archive.writestr(name, data)

        return put

    bomb = bytes(1 << 20)
    checkpoints.add("a bomb", bombed)
    checkpoints.add("traversal", archived({"../../../escape": b"x", "a/data.pkl": pickle.dumps({})}))
    checkpoints.add("no pickle in it", archived({"a/x": bomb}))
    checkpoints.add("an empty archive", archived({}))
    checkpoints.add(
        "deep pickle",
        archived({"a/data.pkl": b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."}, zipfile.ZIP_STORED),
    )
    checkpoints.add(
        "huge number in the pickle", archived({"a/data.pkl": b"\x80\x02\x8b\xff\xff\xff\x7f."}, zipfile.ZIP_STORED)
    )
    checkpoints.add("truncated pickle", archived({"a/data.pkl": b"\x80\x02}q\x00"}, zipfile.ZIP_STORED))
    chance = random.Random(19)
    for name, data in {
        "empty": b"",
        "random": chance.randbytes(1 << 16),
        "zeros": bytes(1 << 16),
        "tar": b"x" * 257 + b"ustar" + bytes(500),
        "pickle of protocol 255": b"\x80\xff.",
        "text": b"weights",
    }.items():
        for suffix in ("pt", "pth", "safetensors"):
            path = f"weights.{suffix}"
            checkpoints.add(
                f"bytes: {name}, as .{suffix}", lambda case, data=data, path=path: inside(case, path).write_bytes(data)
            )


def bombed(case: Path) -> None:
    """A member that unpacks to 8 GB."""
    with zipfile.ZipFile(inside(case, "weights.pt"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", pickle.dumps({}))
        with archive.open("a/data/0", "w", force_zip64=True) as member:
            piece = bytes(1 << 24)
            for _ in range(512):
                member.write(piece)


def add_safetensors() -> None:
    def header(text: str | bytes, length: int | None = None, data: bytes = bytes(64)) -> Put:
        raw = text.encode() if isinstance(text, str) else text
        size = struct.pack("<Q", (len(raw) if length is None else length) % (1 << 64))
        return lambda case: inside(case, "weights.safetensors").write_bytes(size + raw + data)

    def tensor(**changes: Any) -> str:
        return json.dumps({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} | changes})

    for length in (2**63, 2**64 - 1, -1, 10**12, 10**8, 0, 1):
        checkpoints.add(f"safetensors: header of length {length}", header(tensor(), length))
    texts = {
        "no JSON": "weights",
        "a list": "[]",
        "deep": "[" * 100_000,
        "two of a name": '{"a":1,"a":2}',
        "numbers": '{"a":7}',
        "unknown type": tensor(dtype="EVIL"),
        "negative shape": tensor(shape=[-4]),
        "huge shape": tensor(shape=[2**62, 4]),
        "another shape": tensor(shape=[5]),
        "offsets beyond the end": tensor(data_offsets=[0, 10**15]),
        "offsets backwards": tensor(data_offsets=[16, 0]),
        "offsets of text": tensor(data_offsets=["a", "b"]),
        "10^5 axes": tensor(shape=[1] * 100_000),
        "metadata": '{"__metadata__": {"a": "' + "x" * 10**7 + '"}}',
        "10^5 tensors": json.dumps(
            {f"w{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(100_000)}
        ),
        **{
            f"names: {name}": json.dumps({text[:1000]: {"dtype": "F32", "shape": [16], "data_offsets": [0, 64]}})
            for name, text in DIRTY.items()
        },
    }
    for name, text in texts.items():
        checkpoints.add(f"safetensors: {name}", header(text))


for adds in (add_programs, add_archives, add_checkpoints, add_safetensors):
    adds()
