"""A disk that fills: one line, nothing half, and the next run goes on when there is room again."""

import subprocess
import sys
from pathlib import Path

import pytest
from support import environment

pytestmark = pytest.mark.integration
TRAIN = [
    "stage=train", "train.epochs=2", "backbone.width=0.5", "datamodule._target_=few_digits.FewDigits",
]  # fmt: skip
# The disk is mounted in a mount namespace of the shell's own, and goes with it.
SMALL_DISK = """
set -u
disk=$1; room=$2; shift 2
mount -t tmpfs -o "size=$room" none "$disk" || exit 77
"$@"; echo "code $?"
find "$disk" -name ".unfinished-*" -o -name "*-journal"
mount -o remount,size=200m none "$disk"
"$@"; echo "code $?"
find "$disk" -name ".unfinished-*" -o -name "*-journal" -o -name "*.ckpt"
"""


def on_a_small_disk(disk: Path, room: str) -> "subprocess.CompletedProcess[str]":
    """The same command twice: on a disk of this size, and when it has grown."""
    command = [sys.executable, "-m", "porting", *TRAIN, f"workspace={disk}"]
    values = environment()
    tests = str(Path(__file__).parent.parent)
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", SMALL_DISK, "sh", str(disk), room, *command],
        env={**values, "PYTHONPATH": f"{values['PYTHONPATH']}:{tests}"}, capture_output=True, text=True, timeout=600,
    )  # fmt: skip


# Room for a part of MLflow's database, for all of it but no checkpoint, and for these but not for all it is told.
@pytest.mark.parametrize("room", ["300k", "980k", "1500k"])
def test_a_full_disk_is_one_line_and_the_next_run_goes_on(tmp_path: Path, room: str) -> None:
    run = on_a_small_disk(tmp_path, room)
    if run.returncode == 77 or "unshare" in run.stderr:
        pytest.skip("no disk can be mounted here")
    lines = run.stderr.strip().splitlines()
    assert len(lines) == 1, run.stderr
    assert "No space left on device" in lines[0] or "disk is full): make room" in lines[0]
    codes = [line for line in run.stdout.splitlines() if line.startswith("code ")]
    assert codes == ["code 1", "code 0"], run.stdout + run.stderr
    assert not [line for line in run.stdout.splitlines() if line.startswith(str(tmp_path / "tasks"))]
    assert ".unfinished-" not in run.stdout
