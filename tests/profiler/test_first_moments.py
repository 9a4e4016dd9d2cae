"""A signal in a command's first moments ends it in one line, as soon as any line of its own could run."""

import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from support import ROOT, environment, write_network
from survival import level

from profiler.command import Request
from profiler.common.target import Target

SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
LISTENS = (
    "import profiler.common.signals as s, sys\ns.Interruption.listen = lambda _: (print(*sys.modules), sys.exit())\n"
)
# What no command needs before it listens.
SLOW = {"argparse", "numpy", "pydantic", "tempfile", "profiler.common.ending", "porting.command_line.dispatch", "hydra"}


def script(name: str) -> str:
    """The code that an installer writes for a console script."""
    module, _, function = SCRIPTS[name].partition(":")
    return f"import sys\nfrom {module} import {function}\nsys.exit({function}())"


def module(name: str) -> str:
    return f"import runpy\nrunpy.run_module({name!r}, run_name='__main__', alter_sys=True)"


MODULES = sorted({path.parent.name for path in ROOT.glob("*/__main__.py")})
ENTRIES = {**{name: script(name) for name in SCRIPTS}, **{f"-m {name}": module(name) for name in MODULES}}


def arguments(entry: str, folder: Path) -> list[str]:
    """What keeps the command busy for long."""
    if entry != "-m profiler":
        return [f"workspace={folder / 'workspace'}", "tracking.enabled=false"]
    settings = level(4, settle=60.0).model_copy(update={"budget_s": 300.0})
    request = Request(target_name="here", target=Target(runtime="onnxruntime"), settings=settings)
    (folder / "request.json").write_text(request.model_dump_json())
    return [str(write_network(folder / "model.onnx")), str(folder / "request.json")]


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_command_listens_to_signals_before_it_imports_what_is_slow(entry: str) -> None:
    command = [sys.executable, "-c", LISTENS + ENTRIES[entry]]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    assert "profiler.common.signals" in done.stdout.split()
    assert not SLOW & set(done.stdout.split())


@pytest.mark.integration
@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.05, 0.1, 0.2, 0.5])
@pytest.mark.parametrize("entry", ENTRIES)
def test_ctrl_c_in_the_first_moments_is_one_line(tmp_path: Path, entry: str, after_s: float) -> None:
    command = [sys.executable, "-c", ENTRIES[entry], *arguments(entry, tmp_path)]
    with subprocess.Popen(
        command, env=environment(), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        while not listens(process.pid):
            time.sleep(0.001)
        time.sleep(after_s)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    (line,) = errors.splitlines()
    assert ": interrupted: " in line
    assert process.returncode == 128 + signal.SIGINT


def listens(process: int) -> bool:
    """Whether it handles SIGHUP, as Python alone does not; what comes before is the interpreter starting."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    caught = int(next(line.split()[1] for line in lines if line.startswith("SigCgt:")), 16)
    return bool(caught >> (signal.SIGHUP - 1) & 1)
