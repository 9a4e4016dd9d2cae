"""Requests, profiles from other boxes, figures measured again, and runs that only say what they would do."""

import shutil
from pathlib import Path

import pytest
from support import SMALL, Command

from profiler.command import Request

pytestmark = pytest.mark.integration


def test_a_request_holds_one_target_and_a_level(dnn_porting: Command, tmp_path: Path) -> None:
    output = tmp_path / "request.json"
    run = dnn_porting("request", "profile=full", "targets.local_cpu.threads=2", "--output", str(output))
    assert run.code == 0, run.err
    request = Request.model_validate_json(output.read_bytes())
    assert (request.target_name, request.target.threads, request.settings.level) == ("local_cpu", 2, "full")


def test_a_profile_from_another_box_joins_the_variant_with_that_file(
    dnn_porting: Command, published: Path, tmp_path: Path
) -> None:
    workspace, brought = tmp_path / "workspace", tmp_path / "profile.json"
    shutil.copytree(published / "tasks", workspace / "tasks")
    own = next(workspace.glob("tasks/*/variants/*/profiles/local_cpu.json"))
    shutil.move(own, brought)
    run = dnn_porting("adopt", str(brought), "--workspace", str(workspace))
    assert run.code == 0, run.err
    assert own.read_bytes() == brought.read_bytes()


def test_a_profile_of_an_unknown_file_is_refused(dnn_porting: Command, published: Path, tmp_path: Path) -> None:
    brought = tmp_path / "profile.json"
    shutil.copy(next(published.glob("tasks/*/variants/*/profiles/local_cpu.json")), brought)
    run = dnn_porting("adopt", str(brought), "--workspace", str(tmp_path / "empty"))
    assert run.code == 2
    assert "which no variant" in run.err


def test_published_figures_are_measured_again_and_compared(dnn_porting: Command, published: Path) -> None:
    run = dnn_porting("verify", str(published / "repository"), "--variants", "1")
    assert run.code in (0, 1), run.err
    assert "p50 at batch 1, ms" in run.out
    assert ("figures hold" in run.out) == (run.code == 0)
    assert ("figures moved" in run.err) == (run.code == 1)


def test_an_unknown_target_cannot_be_verified(dnn_porting: Command, published: Path) -> None:
    run = dnn_porting("verify", str(published / "repository"), "--target", "elsewhere")
    assert run.code == 2
    assert "choose one of local_cpu" in run.err


def test_a_dry_run_says_what_is_reused_and_the_budget_and_writes_nothing(dnn_porting: Command, published: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in published.rglob("*") if path.is_file()}
    run = dnn_porting(*SMALL, "dry_run=true", "profile.budget_s=17", f"workspace={published}")
    assert run.code == 0, run.err
    assert "at most 17 s at level quick for each variant and target" in run.out
    after = {path: path.stat().st_mtime_ns for path in published.rglob("*") if path.is_file()}
    assert after == before


def test_a_dry_run_of_nothing_yet_names_the_first_stage_and_what_follows(dnn_porting: Command, tmp_path: Path) -> None:
    run = dnn_porting("dry_run=true", f"workspace={tmp_path / 'w'}")
    assert run.code == 0, run.err
    assert "for each of what train makes" in run.out
    assert not (tmp_path / "w").exists()
