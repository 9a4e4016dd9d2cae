"""`dnn-porting plan`, as a user types it."""

import json
from pathlib import Path

import pytest
from full_profile import item
from made_tasks import planning_profile, predicted
from made_tasks import repository as write
from support import ROOT, Command

from porting.repository import Repository
from porting.repository.publishing.writer import publish


@pytest.fixture
def repository(tasks: Repository) -> str:
    return f"repository={tasks.storage.local}"


def test_a_plan_is_printed_and_written_as_json(dnn_porting: Command, repository: str, tmp_path: Path) -> None:
    output = tmp_path / "plans" / "plan.json"
    wanted = ["demand_rps=20", "task=digits", "target_name=local_cpu"]
    run = dnn_porting("plan", "planner=trivial", repository, *wanted, f"output={output}")
    assert run.code == 0, run.err
    assert "digits-large-0000000a" in run.out
    plan = json.loads(output.read_text())["trivial"]
    assert plan["versions"] == {"digits": "digits-large-0000000a"}
    assert [one["rate_rps"] for one in plan["deployments"]] == [20.0]


def test_a_load_time_that_was_not_measured_is_predicted_and_printed(dnn_porting: Command, tmp_path: Path) -> None:
    made, output = write(tmp_path, load_time=[], predicted=[predicted(300.0, None)]), tmp_path / "plan.json"
    wanted = ["demand_rps=20", "task=digits", f"repository={made.storage.local}", f"output={output}"]
    run = dnn_porting("plan", "planner=[inf_adapter,trivial]", *wanted)
    assert run.code == 0, run.err
    assert "load time 300 ms, predicted (11% mean error on held-out variants)" in run.out
    found = json.loads(output.read_text())
    assert any("load time 300 ms" in line for line in found["inf_adapter"]["predicted"])
    assert found["trivial"]["predicted"] == []


def test_planners_are_compared_and_those_without_a_plan_say_why(
    dnn_porting: Command, repository: str, tmp_path: Path
) -> None:
    output = tmp_path / "plan.json"
    run = dnn_porting("plan", "planner=all", repository, "demand_rps=20", "task=digits", f"output={output}")
    assert run.code == 0, run.err
    found = json.loads(output.read_text())
    assert set(found) == {path.stem for path in (ROOT / "conf" / "planner").glob("*.yaml")} - {"all"}
    assert found["model_switching"]["deployments"]
    assert "states no per_hour" in found["paragon"]["infeasible"]


def test_an_infeasible_problem_ends_in_one_line(dnn_porting: Command, repository: str, tmp_path: Path) -> None:
    run = dnn_porting("plan", "planner=trivial", repository, "demand_rps=1e6", f"output={tmp_path / 'plan.json'}")
    assert run.code == 1
    assert len(run.err.splitlines()) == 1
    assert "CPU limit" in run.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["planner=trivail", "demand_rps=1"], "unknown planner 'trivail': did you mean 'trivial'?"),
        (["planner=trivial"], "demand_rps has no value: give one with demand_rps=VALUE"),
        (["planner=trivial", "demand_rsp=1"], "unknown key 'demand_rsp': did you mean 'demand_rps'?"),
        (["planner=trivial", "demand_rps=1", "deadline_ms=null"], "deadline_ms=None cannot be used"),
        (["planner=null", "demand_rps=1"], "planner=null is no choice: leave it out, or take one of all, inf_adapter"),
        (["planner=trivial", "demand_rps=1", "target_name=gpu"], "gpu"),
        (["planner=model_switching", "demand_rps=1", "task=mnist"], "unknown task 'mnist': choices are bees, cifar10"),
        (
            ["planner=inf_adapter", "demand_rps=-3", "task=bees"],
            "demand_rps=-3 cannot be used: input should be greater",
        ),
        (
            ["planner=inf_adapter", "demand_rps=1", "task=bees", "max_cores=1.5"],
            "orchestrators.planners.inf_adapter.from_repository cannot be made: max_cores=1.5 cannot be used: input "
            "should be a valid integer, got a number with a fractional part",
        ),
        (
            ["planner=inf_adapter", "demand_rps=1", "task=bees", "planners.inf_adapter.min_cores=3"],
            "from_repository cannot be made: min_cores=3 is above max_cores=1",
        ),
        (
            ["planner=infaas", "demand_rps=1"],
            "task has no value: give one with task=NAME; choices are bees, cifar10, d",
        ),
        (["planner=paragon", "demand_rps=1"], "task has no value: give one with task=NAME; choices are bees, cifar10,"),
        (
            ["planner=soft_realtime", "demand_rps=1"],
            "planners.soft_realtime.variant has no value: give one with planners.soft_realtime.variant=NAME; choices "
            "are digits-large-0000000a, digits-middle",
        ),
    ],
)
def test_what_cannot_be_used_is_named_with_the_choices(
    dnn_porting: Command, repository: str, arguments: list[str], said: str
) -> None:
    run = dnn_porting("plan", repository, *arguments)
    assert run.code == 2
    assert said in run.err
    assert "http" not in run.err
    assert len(run.err.splitlines()) == 1


def test_a_target_is_to_be_chosen_where_there_are_several(dnn_porting: Command, tmp_path: Path) -> None:
    profiles = {name: planning_profile(240, target_name=name) for name in ("edge", "cloud")}
    publish(tmp_path / "repository", [item("digits-a", profiles["edge"], tmp_path, profiles=profiles)])
    run = dnn_porting("plan", "planner=infaas", f"repository={tmp_path / 'repository'}", "demand_rps=1")
    assert run.code == 2
    assert "target_name has no value: give one with target_name=NAME; choices are cloud, edge" in run.err


def test_planners_that_need_no_task_answer_where_none_is_chosen(
    dnn_porting: Command, repository: str, tmp_path: Path
) -> None:
    output = tmp_path / "plan.json"
    run = dnn_porting("plan", "planner=[trivial,infaas]", repository, "demand_rps=1", f"output={output}")
    assert run.code == 0, run.err
    found = json.loads(output.read_text())
    assert set(found["trivial"]["versions"]) == {"bees", "cifar10", "digits"}
    assert found["infaas"]["infeasible"].startswith("task has no value")


PLANNER = """
# @package planners.largest
_target_: largest.from_repository
task: ${task}
"""
CODE = """
from orchestrators.planners.common import PlanBase

class Plan(PlanBase):
    variant: str

def from_repository(repository, *, task):
    return repository.frontier(task, repository.targets[0])

def solve(problem):
    return Plan(variant=problem[0].name)
"""


def test_a_planner_of_ones_own_is_one_file_and_one_yaml(dnn_porting: Command, repository: str, tmp_path: Path) -> None:
    (tmp_path / "planner").mkdir()
    (tmp_path / "planner" / "largest.yaml").write_text(PLANNER)
    (tmp_path / "largest.py").write_text(CODE)
    common = ["demand_rps=1", "task=digits", f"output={tmp_path / 'plan.json'}"]
    run = dnn_porting("plan", "--config-dir", str(tmp_path), "planner=largest", repository, *common)
    assert run.code == 0, run.err
    assert json.loads((tmp_path / "plan.json").read_text())["largest"]["variant"] == "digits-large-0000000a"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            CODE.replace("def solve", "def plan"),
            "largest is no planner, as it has no solve: a planner's module holds from_repository and solve(problem)",
        ),
        (
            CODE.replace("(PlanBase)", "").replace("Plan(variant=problem[0].name)", "problem[0].name"),
            "largest.solve returns a str, which is no plan: derive it from orchestrators.planners.common.PlanBase",
        ),
        (
            CODE.replace("def from_repository", "def read"),
            "module largest has no 'from_repository'",
        ),
    ],
)
def test_a_planner_of_another_form_is_refused_by_name(
    dnn_porting: Command, repository: str, tmp_path: Path, code: str, said: str
) -> None:
    (tmp_path / "planner").mkdir()
    (tmp_path / "planner" / "largest.yaml").write_text(PLANNER)
    (tmp_path / "largest.py").write_text(code)
    common = ["demand_rps=1", "task=digits", f"output={tmp_path / 'plan.json'}"]
    run = dnn_porting("plan", "--config-dir", str(tmp_path), "planner=largest", repository, *common)
    assert (run.code, len(run.err.splitlines())) == (2, 1)
    assert said in run.err
