"""Nothing calls home: neither ONNX Runtime nor MLflow nor anybody else tells others of what is done here."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest
from support import NAMESPACES, ROOT, TINY, command_line, environment, needs_namespaces, write_network

LONELY = ROOT / "tests" / "servers" / "lonely_network.py"
REPORTS = {"onnxruntime", "mlflow"}
# ONNX Runtime reports 10 to 20 s after its first session.
LIFE_S = 25
WHOLE_RUN = """
import json, signal, subprocess, sys, time
pipeline, serve, in_process = json.loads(sys.argv[1])
session, serving = subprocess.Popen(in_process), subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
ready = any("gRPC" in line for line in serving.stdout) and time.monotonic()
code = subprocess.run(pipeline).returncode
time.sleep(max(0.0, ready + float(sys.argv[2]) - time.monotonic()))
serving.send_signal(signal.SIGINT)
sys.exit(code or serving.wait() or session.wait())
"""
SESSION = """
import sys, time
import profiler, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
time.sleep(float(sys.argv[2]))
"""


def heard(folder: Path, *command: str, **variables: str) -> list[str]:
    """The names and addresses that the command and what it starts ask for, in a network of their own."""
    needs_namespaces()
    output, home = folder / "heard.json", folder / "home"
    home.mkdir()
    done = subprocess.run(
        [*NAMESPACES, sys.executable, str(LONELY), str(output), *command],
        env={**environment(), "HOME": str(home), "TMPDIR": str(home), **variables},
        cwd=folder, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(output.read_text())
    return found


@pytest.mark.integration
def test_a_whole_run_asks_for_no_name_and_speaks_to_no_other_host(published: Path, tmp_path: Path) -> None:
    pipeline = command_line(*TINY, f"workspace={tmp_path / 'workspace'}")
    session = [sys.executable, "-c", SESSION, str(write_network(tmp_path / "model.onnx")), str(LIFE_S)]
    commands = [pipeline, command_line("serve", str(published / "repository")), session]
    assert not heard(tmp_path, sys.executable, "-c", WHOLE_RUN, json.dumps(commands), str(LIFE_S))
    assert (tmp_path / "workspace" / "mlflow.db").exists()
    assert not list(tmp_path.glob("home/.cache/Microsoft"))
    assert not list(tmp_path.glob("home/.ses"))


def test_a_name_that_is_asked_for_is_heard(tmp_path: Path) -> None:
    ask = "import socket; socket.getaddrinfo('reports.example', 443)"
    assert heard(tmp_path, sys.executable, "-c", ask) == ["reports.example"]


def test_an_address_that_is_spoken_to_is_heard(tmp_path: Path) -> None:
    speak = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'report', ('198.51.100.7', 443))"
    assert heard(tmp_path, sys.executable, "-c", speak) == ["198.51.100.7"]


def test_the_installed_runtime_still_goes_by_the_variable_that_silences_it() -> None:
    # Whether and when it reports is its own choice, which no test can wait for.
    libraries = Path(onnxruntime.__file__).parent.glob("capi/*pybind11_state*")
    assert any(b"ORT_DISABLE_TELEMETRY" in library.read_bytes() for library in libraries)


TOLD = "import os, sys, {package}; sys.exit(os.environ.get('ORT_DISABLE_TELEMETRY') != '1')"


@pytest.mark.parametrize("package", ["profiler", "porting", "porting.repository", "orchestrators.commands"])
def test_importing_a_package_is_enough(package: str) -> None:
    environ = {name: value for name, value in environment().items() if name != "ORT_DISABLE_TELEMETRY"}
    assert subprocess.run([sys.executable, "-c", TOLD.format(package=package)], env=environ).returncode == 0


def test_who_imports_what_reports_has_told_it_not_to() -> None:
    # A module of the two other rooms comes after its own package, and what a test starts has the tests' environment.
    rooms = [ROOT / room for room in ("backbones", "datamodules", "orchestrators", "scripts")]
    paths = [path for room in rooms for path in room.rglob("*.py")]
    assert paths
    for path in paths:
        packages = [name.partition(".")[0] for name in imported_in_order(path)]
        first = next((place for place, name in enumerate(packages) if name in REPORTS), None)
        assert first is None or "profiler" in packages[:first], path


def imported_in_order(path: Path) -> list[str]:
    """The modules that a file imports, from its first line to its last."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    nodes.sort(key=lambda node: node.lineno)
    return [
        name
        for node in nodes
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    ]
