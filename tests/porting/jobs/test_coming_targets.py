"""The targets of a run are checked before its first new work, and by a dry run."""

from pathlib import Path

import pytest
from support import Command

TOO_MANY = "targets.local_cpu.cores=4096"
REFUSALS = [
    (TOO_MANY, "target local_cpu: cores=4096 are not available: set targets.local_cpu.cores to at most"),
    ("targets.local_cpu.endpoint=127.0.0.1:9", "target local_cpu: no inference server answers at 127.0.0.1:9"),
    ("targets.local_cpu.server_environment=nowhere", "target local_cpu: no Triton server: looked for"),
    ("targets.local_cpu.threads=400", "Target cannot be made: threads=400 on 1 core(s): at most 16"),
]


@pytest.mark.parametrize("dry_run", ["true", "false"])
@pytest.mark.parametrize(("override", "message"), REFUSALS)
def test_a_run_and_a_dry_run_refuse_a_target_in_one_line_before_the_first_stage(
    dnn_porting: Command, tmp_path: Path, override: str, message: str, dry_run: str
) -> None:
    run = dnn_porting(f"workspace={tmp_path / 'w'}", override, f"dry_run={dry_run}")
    assert run.code == 2
    (line,) = run.err.splitlines()
    assert message in line
    assert not list((tmp_path / "w").glob("tasks/*/variants/*"))


def test_stages_that_measure_nothing_do_not_look_at_the_targets(dnn_porting: Command, tmp_path: Path) -> None:
    run = dnn_porting(f"workspace={tmp_path / 'w'}", TOO_MANY, "stage=train", "dry_run=true")
    assert run.code == 0, run.err


@pytest.mark.parametrize("aim", ["prune.target_speedup=[2]", "prune.round_to=null"])
def test_pruning_to_a_measured_aim_looks_at_its_target(dnn_porting: Command, tmp_path: Path, aim: str) -> None:
    run = dnn_porting(f"workspace={tmp_path / 'w'}", TOO_MANY, "stage=[train,prune]", aim, "dry_run=true")
    assert run.code == 2
    assert "cores=4096 are not available" in run.err
