"""A training on several devices."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT, environment

PROGRAM = ROOT / "tests" / "porting" / "helpers" / "several_devices.py"


def test_several_devices_train_one_network_and_tell_of_it(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, PROGRAM, tmp_path], env=environment(), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["epochs"] == [0, 1, 2]
    assert found["told"]
    assert found["accuracy"] == pytest.approx(found["best"], abs=0.05)
