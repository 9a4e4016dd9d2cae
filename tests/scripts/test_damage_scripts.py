"""Damage at rest and hostile inputs, a sample of each: the whole of both is run by their scripts."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support import ROOT, environment

from profiler.common.locks import FOLDER

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where both scripts find the small workspaces that the first one makes."""
    return tmp_path_factory.mktemp("cases")


def run(script: str, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / script), *arguments]
    # A case has a network of its own, and so a lock of the host of its own.
    own = {**environment(), FOLDER: ""}
    return subprocess.run(command, env=own, capture_output=True, text=True, timeout=550)


def test_a_sample_of_damages_is_detected_or_healed(folder: Path) -> None:
    done = run("damage_table.py", ["--folder", str(folder), "--quick", "20"])
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_a_sample_of_hostile_inputs_is_refused_or_taken(folder: Path) -> None:
    done = run("hostile_inputs.py", ["--folder", str(folder), "--quick", "20"])
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
