"""The door of TorchScript programs, and their actions during a call or a load."""

import json
from pathlib import Path
from typing import Any

from watched_commands import Command

from hostile import archives
from hostile.door import RAN, UNTRACKED, Door, Inputs, Put, request_of, words
from hostile.program_made import GOOD, program, same_network

BODIES = {
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
ANSWERS = {
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


def torch_profiler(case: Path) -> Command:
    """The program beside a good ONNX file, on a target with the runtime torch."""
    (case / "in" / "model.onnx").write_bytes(same_network())
    request: Any = request_of(case)
    request["target"]["runtime"] = "torch"
    (case / "torch-request.json").write_text(json.dumps(request))
    return Command([str(case / "in" / "model.onnx"), str(case / "torch-request.json")], module="profiler")


def doing(body: str, when: str) -> Put:
    def put(case: Path) -> None:
        text = body.replace("{canary}", str(case / "canary" / RAN))
        text = text.replace("{precious}", str(case / "precious" / "file"))
        if when == "called":
            program(case, GOOD, before=f"        {text}\n")
        else:
            program(case, GOOD, restored=text)

    return put


def inputs() -> Inputs:
    for name, body in BODIES.items():
        for when in ("called", "loaded"):
            yield f"{name} when it is {when}", doing(body, when)
    for name, body in ANSWERS.items():
        yield f"answers {name}", lambda case, body=body: program(case, body)


door = Door(
    "TorchScript",
    lambda case: program(case, GOOD),
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
for one in (inputs(), archives.inputs()):
    door.add_all(one)
