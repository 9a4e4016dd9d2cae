"""What tests share: a small real pipeline run, the command line, and a Chromium."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
SMALL = [
    "train.epochs=2",
    "finetune.epochs=1",
    "prune.ratios=[0.5]",
    "backbone.width=8",
    "profile.batches=[1,4]",
    "profile.seconds_per_batch=0.05",
    "profile.throughput_batches=[4]",
    "profile.max_concurrency=2",
    "profile.search_slices=1",
    "profile.settle_slices=6",
]


@dataclass(frozen=True)
class Run:
    """What a finished command printed."""

    code: int
    out: str
    err: str


Command = Callable[..., Run]


def command_line(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "porting", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "240"}


@pytest.fixture(scope="session")
def dnn_porting(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Runs `dnn-porting` as its own process in a folder of its own."""
    folder = tmp_path_factory.mktemp("cwd")

    def run(*arguments: str, timeout_s: float = 300) -> Run:
        # The server's environment lies beside the running one, so the folder of the call does not matter.
        done = subprocess.run(
            command_line(*arguments), cwd=folder, env=environment(), capture_output=True, text=True, timeout=timeout_s
        )
        return Run(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def published(dnn_porting: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which the whole pipeline ran once, small but real, with MLflow."""
    workspace = tmp_path_factory.mktemp("published")
    run = dnn_porting(*SMALL, f"workspace={workspace}")
    assert run.code == 0, run.err
    return workspace


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; `make browser` installs one."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if not Path(path).exists():
        pytest.skip("no Chromium here: make browser installs one")
    return path


def variant_records(workspace: Path) -> dict[str, dict]:
    """Every complete variant's record by name."""
    return {
        path.parent.name: json.loads(path.read_text()) for path in workspace.glob("tasks/*/variants/*/variant.json")
    }
