"""One policy for both commands: the same settings give the same decisions, and so does a policy of one's own."""

import json
from pathlib import Path

import numpy as np
import pytest
from made_live import LARGE, MIDDLE, SMALL, TARGET, TASK, live_repository
from made_policies import component
from made_tasks import repository as planning_repository
from support import ROOT, Command

from orchestrators.commands.prepared import made
from orchestrators.deployment import Deployment
from orchestrators.live.driver import Driver, versions
from orchestrators.live.journal import read_journal
from orchestrators.policies import Environment, Mechanism, Observation, Policy
from orchestrators.policies.policy import decided
from porting.configuration.components import Component
from profiler.common.errors import BadInputError

SECONDS = 200
DEMAND_RPS = np.random.default_rng(0).poisson(np.repeat([10.0, 50.0, 150.0, 30.0], SECONDS // 4)).astype(float)
CARRIED_RPS = {LARGE: 60.0, MIDDLE: 240.0, SMALL: 900.0}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment.of(live_repository(tmp_path_factory.mktemp("live")), TARGET, {TASK: 20.0}, 400)


def cpu_share(second: int, variant: str) -> float:
    return min(1.0, float(DEMAND_RPS[second]) / CARRIED_RPS[variant])


def simulated(chosen: Component, environment: Environment) -> list[tuple[int, str]]:
    """When which version was asked for, where the policy is asked as `simulate` asks it."""
    policy, shares = made(chosen, environment), np.zeros(SECONDS)
    present: list[Deployment] = []
    found: list[tuple[int, str]] = []
    for second in range(SECONDS):
        if second % policy.mechanism.interval_s == 0:
            demand = {TASK: DEMAND_RPS[:second]}
            seen = Observation(demand, {TASK: shares[:second]}, shares[:second], present, changing=False)
            decision = decided(policy, second, seen)
            present = list(decision.deployments or present)
            found += [(second, present[0].variant)] if not found or found[-1][1] != present[0].variant else []
        shares[second] = cpu_share(second, present[0].variant)
    return found


def driven(chosen: Component, environment: Environment) -> list[tuple[int, str]]:
    """The same, where it is asked as `orchestrate` asks it: the driver makes it anew for the server as it found it."""

    def make(over: Environment) -> Policy:
        return made(chosen, over)

    present = Driver(make, environment).first()
    driver, shares = Driver(make, environment), [cpu_share(0, present[TASK])]
    found = [(0, present[TASK])]
    for second in range(1, SECONDS):
        decision = driver.step({TASK: DEMAND_RPS[:second]}, np.array(shares), present)
        present = present | versions(decision)
        found += [(second, present[TASK])] if found[-1][1] != present[TASK] else []
        shares.append(cpu_share(second, present[TASK]))
    return found


@pytest.mark.parametrize("name", ["trivial", "model_switching", "largest", "smallest"])
def test_the_same_observations_are_the_same_decisions_in_both_commands(environment: Environment, name: str) -> None:
    one, other = component(name, command="simulate"), component(name, command="orchestrate")
    assert one == other
    found = simulated(one, environment)
    assert found == driven(other, environment)
    assert len(found) > 1 or name in {"largest", "smallest"}


def test_a_setting_decides_in_both_commands(environment: Environment) -> None:
    slow = "policies.trivial.thresholds.hold_s=100"
    found = [
        simulated(component("trivial", slow, command=command), environment) for command in ("simulate", "orchestrate")
    ]
    assert found[0] == found[1] != simulated(component("trivial"), environment)
    assert found[0][1][0] >= 100


MINE = """
# @package policies.mine
_target_: mine.Mine
place: 1
"""
CODE = """
from orchestrators.deployment import Deployment
from orchestrators.policies import Decision, Mechanism


class Mine:
    mechanism = Mechanism(interval_s=1)

    def __init__(self, environment, place):
        self.deployments = [
            Deployment(task=task, variant=versions[place].name, cores=environment.server_cores, rate_rps=0)
            for task, versions in environment.families.items()
        ]

    def decide(self, now_s, seen):
        return Decision(self.deployments, "always mine")
"""


@pytest.fixture
def mine(tmp_path: Path) -> list[str]:
    """The arguments of a folder with a policy in it."""
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "mine.yaml").write_text(MINE)
    (tmp_path / "mine.py").write_text(CODE)
    return ["--config-dir", str(tmp_path), "policy=mine", f"output={tmp_path / 'out'}"]


def test_a_policy_of_ones_own_is_simulated(dnn_porting: Command, mine: list[str], tmp_path: Path) -> None:
    made = f"repository={planning_repository(tmp_path / 'made').storage.local}"
    run = dnn_porting("simulate", *mine, made, "tasks=[digits]", "load.mean_rps=10", "load.seconds=20")
    assert run.code == 0, run.err
    found = json.loads((tmp_path / "out" / "simulation.json").read_text())["policies"]["mine"]
    assert found["serving"]["digits"] == [[0.0, ["digits-middle-0000000b"]]]
    assert found["policy"] == "mine"


@pytest.mark.integration
def test_a_policy_of_ones_own_drives_real_servers(dnn_porting: Command, mine: list[str], tmp_path: Path) -> None:
    made = f"repository={live_repository(tmp_path / 'made').storage.local}"
    run = dnn_porting("orchestrate", *mine, made, "load={mean_rps: 5, seconds: 1}", "policies.mine.place=2")
    assert run.code == 0, run.err
    assert {one.versions[TASK] for one in read_journal(tmp_path / "out" / "journal.jsonl")[0]} == {SMALL}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            CODE.replace("def decide", "def choose"),
            "mine.Mine makes no policy: its result needs mechanism and decide(",
        ),
        (CODE.replace('Decision(self.deployments, "always mine")', "self.deployments"), "returns a list: return a"),
        (CODE.replace("(self, environment, place)", "(self, environment)"), "mine.Mine takes no 'place'"),
        (CODE.replace("task=task", 'task="cats"'), "Mine plans for cats: these tasks get no requests"),
    ],
)
def test_what_is_no_policy_is_refused_by_name_in_both_commands(
    dnn_porting: Command, environment: Environment, mine: list[str], tmp_path: Path, code: str, said: str
) -> None:
    (tmp_path / "mine.py").write_text(code)
    made = f"repository={environment.repository.storage.local}"
    for command, load in (
        ("simulate", ["load.mean_rps=1", "load.seconds=5"]),
        ("orchestrate", ["load={mean_rps: 1, seconds: 1}"]),
    ):
        run = dnn_porting(command, *mine, made, *load)
        assert (run.code, len(run.err.splitlines())) == (2, 1)
        assert said in run.err


def test_a_policy_is_asked_in_whole_seconds() -> None:
    with pytest.raises(BadInputError, match="interval_s=0: a policy decides every 1 s or more"):
        Mechanism(interval_s=0)


def test_every_policy_is_named_by_a_config_of_its_own_and_by_all() -> None:
    text = (ROOT / "conf" / "policy" / "all.yaml").read_text()
    named = {path.stem for path in (ROOT / "conf" / "policy").glob("*.yaml")} - {"all"}
    assert {line.strip(" -") for line in text.splitlines() if line.startswith("  - ")} == named
