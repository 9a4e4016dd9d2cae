"""Hostile configurations of a server with right digests, because their author made them."""

from collections.abc import Callable
from pathlib import Path

from hostile.door import RAN, Inputs
from hostile.repository_made import altered, variant

PYTHON = f"open('{RAN}', 'w').close()\nclass TritonPythonModel:\n    def execute(self, requests): return []\n"
FILES = ("lint", "verify", "others", "serve")
# Additions to the configuration, and files beside it, whose names have __ for /.
TEXTS: dict[str, tuple[str, dict[str, str]]] = {
    "the python backend": ('backend: "python" default_model_filename: "model.py"', {"1__model.py": PYTHON}),
    "the python backend, a file that is not named": ('backend: "python"', {"1__model.py": PYTHON}),
    "another backend": ('backend: "pytorch"', {}),
    "a platform": ('platform: "pytorch_libtorch"', {}),
    "a backend elsewhere": ('backend: "../../../tmp/x"', {}),
    "an ensemble": ('platform: "ensemble" ensemble_scheduling { step { model_name: "x" } }', {}),
    "an environment": ('parameters { key: "EXECUTION_ENV_PATH" value { string_value: "/tmp/env.tar.gz" } }', {}),
    "an environment of a shell": (
        f'parameters {{ key: "EXECUTION_ENV_PATH" value {{ string_value: "$(touch {RAN})" }} }}',
        {},
    ),
    "a model elsewhere": ('default_model_filename: "../../../../etc/passwd"', {}),
    "labels elsewhere": ('output { name: "x" label_filename: "../../../../etc/passwd" }', {}),
    "warm-up elsewhere": (
        'model_warmup { name: "w" inputs { key: "input" value { input_data_file: "../../../etc/passwd" } } }',
        {},
    ),
    "10^9 instances": ("instance_group { count: 1000000000 }", {}),
    "a GPU": ("instance_group { kind: KIND_GPU }", {}),
    "10^9 threads": ('parameters { key: "intra_op_thread_count" value { string_value: "1000000000" } }', {}),
    "an agent": ('model_repository_agents { agents { name: "checksum" } }', {}),
    "10^9 in a batch": ("max_batch_size: 1000000000", {}),
    "an accelerator": (
        'optimization { execution_accelerators { cpu_execution_accelerator { name: "openvino" } } }',
        {},
    ),
    "a library": ('parameters { key: "register_custom_ops" value { string_value: "/tmp/x.so" } }', {}),
    "a session's option": (
        'parameters { key: "session.register_custom_ops" value { string_value: "/tmp/x.so" } }',
        {},
    ),
    "model.py beside it": ("", {"1__model.py": PYTHON, "model.py": PYTHON}),
    "no text": ("\x00\x01", {}),
    "ANSI": ("# \x1b[31m\n", {}),
}


def configured(text: str, files: dict[str, str]) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        place = variant(root)
        for path in (place / "config.pbtxt", *place.glob("configs/*.pbtxt")):
            path.write_text(path.read_text() + text)
        for name, body in files.items():
            file = place / name.replace("__", "/")
            file.parent.mkdir(exist_ok=True)
            file.write_text(body)

    return change


def inputs() -> Inputs:
    for name, (text, files) in TEXTS.items():
        yield f"configuration: {name}", altered(configured(text, files), fitting=True), *FILES, "orchestrate"
        yield f"configuration: {name}, digests of before", altered(configured(text, files)), "serve", "lint"
