"""A job is a value: what any other process is given does the same work."""

import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml
from support import SMALL, Command, environment

from porting.configuration.settings import Settings, validated
from porting.jobs.job import Job, Recipe
from porting.pipeline import Walk, done
from porting.workspace.workspace import Workspace

DO = """
import sys
from contextlib import ExitStack
from pathlib import Path
import yaml
from porting.configuration.settings import validated
from porting.jobs.job import Job
from porting.pipeline import Walk, do

config = Path(sys.argv[1]).read_text()
walk = Walk(validated(yaml.safe_load(config)), config)
with ExitStack() as stack:
    variant, is_new = do(walk.context(stack), Job.model_validate_json(sys.argv[2]))
print(variant.name, is_new)
"""


def fitted(workspace: Path) -> tuple[Settings, str]:
    """The settings with which a workspace was made, at the place where it lies now, and their YAML."""
    variant = Workspace(workspace).variants("digits")[0]
    values = yaml.safe_load((Workspace(workspace).folder(variant) / "config.yaml").read_text())
    values["workspace"] = str(workspace)
    return validated(values), yaml.safe_dump(values)


@pytest.fixture(scope="module")
def offered(published: Path) -> dict[str, Job]:
    """Every job of a run in a workspace in which all is made, by its title."""
    settings, config = fitted(published)
    walk = Walk(settings, config)
    found: dict[str, Job] = {}
    for step in walk.steps():
        found |= {job.title: job for job in step.jobs}
        walk.keep(done(step))
    return found


@pytest.mark.integration
def test_every_job_of_every_stage_is_a_value_that_json_carries(offered: dict[str, Job]) -> None:
    stages = {job.stage for job in offered.values()}
    assert stages == {"train", "prune", "finetune", "export", "quantize", "profile"}
    assert all(Job.model_validate_json(job.model_dump_json()) == job for job in offered.values())


@pytest.mark.integration
def test_the_inputs_of_a_job_lie_in_the_workspace(offered: dict[str, Job], published: Path) -> None:
    names = {variant.name for variant in Workspace(published).variants("digits")}
    read = {name for job in offered.values() for name in job.inputs}
    assert read
    assert read <= names


@pytest.mark.integration
@pytest.mark.parametrize("stage", ["finetune", "export", "quantize"])
def test_another_process_does_a_job_from_the_configuration_and_the_workspace_alone(
    stage: str, offered: dict[str, Job], published: Path, tmp_path: Path
) -> None:
    job = next(job for job in offered.values() if job.stage == stage)
    copy = tmp_path / "workspace"
    shutil.copytree(published, copy, symlinks=True)
    workspace = Workspace(copy)
    before = workspace.read(workspace.variants_folder("digits") / job.variant)
    (tmp_path / "config.yaml").write_text(fitted(copy)[1])
    if job.recipe is not None:
        shutil.rmtree(workspace.folder(before))
    else:
        workspace.record(before.model_copy(update={"onnx": None, "reasons": before.reasons | {"onnx": "not yet"}}))
    command = [sys.executable, "-c", DO, str(tmp_path / "config.yaml"), job.model_dump_json()]
    run = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=tmp_path)
    assert run.stdout.split()[-2:] == [job.variant, "True"], run.stderr
    after = workspace.read(workspace.variants_folder("digits") / job.variant)
    assert after.key == before.key
    assert (after.onnx and after.onnx.sha256) == (before.onnx and before.onnx.sha256) or stage == "finetune"


def test_another_version_of_a_library_is_another_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Recipe.of("train", "", None, {}, {}, ("torch",)).key()
    assert Recipe.of("train", "", None, {}, {}, ("torch",)).key() == before
    monkeypatch.setattr("profiler.common.version.version", lambda package: f"another {package}")
    assert Recipe.of("train", "", None, {}, {}, ("torch",)).key() != before


class Chain:
    """Stages of which one feeds the other: each aim of `prune` starts from what `finetune` made of the one before."""

    aims = ("half", "third", "quarter")

    def jobs_of(self, stage: str, pool: list[str]) -> list[Job]:
        if stage == "prune":
            names = [
                aim for aim, start in zip(self.aims, ("base", *self.aims), strict=False) if self.ready(start, pool)
            ]
        else:
            names = [f"{aim}-tuned" for aim in self.aims if aim in pool]
        recipe = Recipe.of(stage, "", None, {}, {}, ())
        return [Job(stage=stage, variant=name, inputs=[], recipe=recipe) for name in names]

    def ready(self, start: str, pool: list[str]) -> bool:
        return start == "base" or f"{start}-tuned" in pool


@pytest.fixture
def chained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Walk:
    chain = Chain()
    for stage in ("prune", "finetune"):
        jobs = partial(lambda stage, _, pool: chain.jobs_of(stage, [one.name for one in pool]), stage)
        module = SimpleNamespace(jobs=jobs, reuse=lambda _, job: SimpleNamespace(name=job.variant))
        monkeypatch.setitem(sys.modules, f"porting.stages.{stage}", module)
    names = ["prune", "finetune"]
    settings = SimpleNamespace(
        stages=lambda: names, everything=False, task="digits", workspace=tmp_path, datamodule=None
    )
    return Walk(cast("Settings", settings))


def titles(walk: Walk, kept: bool) -> list[str]:
    """The variants of the jobs that a walk offers; `kept` says whether they are there."""
    found = []
    for step in walk.steps():
        found += [job.variant for job in step.jobs if job.variant not in found]
        walk.keep([cast("Any", SimpleNamespace(name=job.variant)) for job in step.jobs] if kept else [])
    return found


def test_a_walk_goes_back_to_the_stage_that_another_one_feeds_until_nothing_is_new(chained: Walk) -> None:
    assert titles(chained, kept=True) == [
        "half", "half-tuned", "third", "third-tuned", "quarter", "quarter-tuned",
    ]  # fmt: skip


def test_a_walk_over_what_is_not_there_ends_with_what_can_be_listed(chained: Walk) -> None:
    assert titles(chained, kept=False) == ["half"]


@pytest.mark.integration
def test_the_dry_run_shows_the_jobs_of_the_run(
    offered: dict[str, Job], dnn_porting: Command, published: Path
) -> None:  # fmt: skip
    run = dnn_porting(*SMALL, "dry_run=true", f"workspace={published}")
    assert run.code == 0, run.err
    assert offered
    assert [title for title in offered if title not in run.out] == []
