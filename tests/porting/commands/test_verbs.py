"""Requests, profiles from other boxes, figures measured again, and runs that only say what they would do."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import SMALL, Command, command_line, environment

from porting.commands.verify import VERIFIED
from porting.repository import Repository
from profiler.command import Request
from profiler.common.files import read_record
from profiler.common.locks import alone_on_host
from profiler.records.profile import Profile

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
    workspace, request, brought = (tmp_path / name for name in ("workspace", "request.json", "box/profile.json"))
    brought.parent.mkdir()
    shutil.copytree(published / "tasks", workspace / "tasks")
    levels = [one for one in SMALL if one.startswith("profile.")]
    run = dnn_porting("request", "target=local_cpu", *levels, "--output", str(request))
    assert run.code == 0, run.err
    model = next(workspace.glob("tasks/*/variants/*/profiles/local_cpu.json")).parent.parent / "model.onnx"
    command = [sys.executable, "-m", "profiler", str(model), str(request), "--output", str(brought)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    run = dnn_porting("adopt", str(brought), "--workspace", str(workspace))
    assert run.code == 0, run.err
    own = read_record(model.parent / "profiles" / "local_cpu.json", Profile, "")
    assert own.adopted
    assert own.measured_at == read_record(brought, Profile, "").measured_at
    assert (model.parent / "samples" / "local_cpu.npz").is_file()
    assert len(list(model.parent.glob("*/replaced/*"))) == 2
    run = dnn_porting("stage=publish", f"workspace={workspace}", "tracking.enabled=false")
    assert run.code == 0, run.err
    index = Repository.load(workspace / "repository").index
    ranked = {one.name: one for one in (*index.variants, *index.dropped)}[model.parent.name]
    best = own.best_throughput()
    assert best is not None
    assert ranked.targets["local_cpu"].figures["images_per_s"][0] == pytest.approx(best.images_per_s, rel=1e-3)


def test_a_profile_of_an_unknown_file_is_refused(dnn_porting: Command, published: Path, tmp_path: Path) -> None:
    brought = tmp_path / "profile.json"
    shutil.copy(next(published.glob("tasks/*/variants/*/profiles/local_cpu.json")), brought)
    run = dnn_porting("adopt", str(brought), "--workspace", str(tmp_path / "empty"))
    assert run.code == 2
    assert "which no variant" in run.err


def test_published_figures_are_measured_again_and_compared(dnn_porting: Command, published: Path) -> None:
    run = dnn_porting("verify", str(published / "repository"), "--variants", "1")
    assert run.code in (0, 1), run.err
    published_figures = Repository.load(published / "repository").index.variants[0].targets["local_cpu"].figures
    assert [name for name in VERIFIED if name in published_figures and name not in run.out] == []
    assert ("figures hold" in run.out) == (run.code == 0)
    assert ("figures moved" in run.err or "could not be measured again" in run.err) == (run.code == 1)


def test_verify_waits_for_another_run_on_this_host_as_long_as_the_user_says(
    dnn_porting: Command, published: Path
) -> None:
    with alone_on_host("the profiler"):
        run = dnn_porting("verify", str(published / "repository"), "--variants", "1", "--wait", "0")
    assert run.code == 2
    assert "the profiler on this host is in use by process" in run.err


def test_an_interrupted_verify_says_that_it_keeps_nothing(published: Path) -> None:
    command = command_line("verify", str(published / "repository"))
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment(), stdout=pipe, stderr=pipe, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("measuring ")
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=120)
    assert errors == "dnn-porting: interrupted: verify keeps no results, run it again from the beginning\n"


def test_an_unknown_target_cannot_be_verified(dnn_porting: Command, published: Path) -> None:
    run = dnn_porting("verify", str(published / "repository"), "--target", "elsewhere")
    assert run.code == 2
    assert "choose one of local_cpu" in run.err


def test_a_dry_run_says_what_is_reused_and_the_budget_and_writes_nothing(dnn_porting: Command, published: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in published.rglob("*") if path.is_file()}
    run = dnn_porting(*SMALL, "dry_run=true", "profile.budget_s=17", f"workspace={published}")
    assert run.code == 0, run.err
    # 17 s, and a later visit to three loops of .05 s with .55 s for load and reference each.
    limit = "at most 18.8 s at level quick, and up to half as much again on a busy machine, for each variant"
    assert limit in run.out
    after = {path: path.stat().st_mtime_ns for path in published.rglob("*") if path.is_file()}
    assert after == before


def test_a_dry_run_of_nothing_yet_names_the_first_stage_and_what_follows(dnn_porting: Command, tmp_path: Path) -> None:
    run = dnn_porting("dry_run=true", f"workspace={tmp_path / 'w'}")
    assert run.code == 0, run.err
    assert "for each new variant of stage train" in run.out
    assert not (tmp_path / "w").exists()
