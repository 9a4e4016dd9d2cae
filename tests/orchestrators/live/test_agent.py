"""One real server under the policy, and what the agent survives."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_live import BROKEN, LARGE, MIDDLE, SMALL, TARGET, TASK, VARIANTS, live_repository
from servers.short_lived import short_lived_triton, token
from support import SIZE

from orchestrators.deployment import Deployment, Infeasible
from orchestrators.forecast import WindowedMaximum
from orchestrators.live import server as servers
from orchestrators.live.agent import Agent
from orchestrators.live.catalogue import Catalogue, Network, of
from orchestrators.live.expected_answers import ExpectedAnswers
from orchestrators.live.journal import Journal, Second, Switched, read_journal
from orchestrators.live.rotation import Rotation
from orchestrators.live.served_versions import ServedVersions
from orchestrators.live.server import LiveServer
from orchestrators.live.traffic import send
from orchestrators.live.usage import Use
from orchestrators.planners import trivial
from orchestrators.policies import Decision, Environment, Mechanism, Observation, Policy
from orchestrators.policies.planners import model_switching
from orchestrators.policies.rules import Settings
from orchestrators.policies.trivial import trivial as trivial_policy
from porting.repository import Repository
from profiler.common.errors import ServerError
from profiler.runtimes.kserve.model import V2Model
from profiler.triton.server import RunningServer, free_port

EAGER = Settings(hold_s=0, up_after_s=0, window_s=1)
ODD = "digits-odd-0000000d"


class Share:
    """A server with a given CPU use."""

    def __init__(self, share: float = 0.3, cores: float = 1.0) -> None:
        self.use = Use(share, cores)

    def read(self) -> Use:
        return self.use


class Told:
    """A policy with given plans, one for each second, which keeps its observations."""

    mechanism = Mechanism(interval_s=1)

    def __init__(self, *plans: str | None, first: str = LARGE) -> None:
        self._plans, self._first = list(plans), first
        self._world: Environment | None = None
        self.offered: list[set[str]] = []
        self.seen: list[dict[str, str]] = []

    def __call__(self, environment: Environment) -> Policy:
        self._world = environment
        return self

    def decide(self, now_s: int, observation: Observation, /) -> Decision:
        if now_s == 0:
            return decision(self._first)
        assert self._world is not None
        self.offered.append({version.name for version in self._world.families[TASK]})
        self.seen.append({one.task: one.variant for one in observation.deployments})
        plan = self._plans.pop(0) if self._plans else None
        return Decision(rule="hold", reason="told") if plan is None else decision(plan)


def decision(*versions: str) -> Decision:
    """These versions, whose names begin with their tasks'."""
    deployments = [Deployment(task=name.partition("-")[0], variant=name, cores=1, rate_rps=0) for name in versions]
    return Decision(deployments, "told")


def eager(environment: Environment) -> Policy:
    return trivial_policy(environment, thresholds=EAGER)


class Watched(Rotation):
    """A rotation of one, which writes down who is taken out."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    @contextmanager
    def without(self, endpoint: str) -> Iterator[None]:
        self.said.append("out")
        with super().without(endpoint):
            yield
        self.said.append("in")

    def leave_out(self, endpoint: str) -> None:
        self.said.append("left out")


class Driven:
    """An agent on a server, with a journal in a folder."""

    def __init__(
        self, folder: Path, server: LiveServer, make: Callable[[Environment], Policy], usage: Any = None
    ) -> None:
        self.server, self.path, self.rotation = server, folder / "journal.jsonl", Watched()
        self.catalogue = Catalogue(folder / "repository", environment)
        self.journal = Journal(self.path)
        self.agent = Agent(server, (usage or Share()).read, self.catalogue, self.rotation, self.journal, make)

    def tick(self, times: int = 1) -> "Driven":
        for _ in range(times):
            self.agent.tick()
        return self

    @property
    def seconds(self) -> list[Second]:
        return read_journal(self.path)[0]

    @property
    def switches(self) -> list[Switched]:
        return read_journal(self.path)[1]


def environment(repository: Repository) -> Environment:
    return Environment.of(repository, TARGET, {TASK: 0}, 400)


def both_tasks(repository: Repository) -> Environment:
    return Environment.of(repository, TARGET, {TASK: 0, "bees": 0}, 400)


Drive = Callable[..., Driven]


@pytest.fixture(scope="module")
def running() -> Iterator[RunningServer]:
    with short_lived_triton() as server:
        yield server


@pytest.fixture
def server(running: RunningServer) -> Iterator[LiveServer]:
    """A server on which nothing is loaded."""
    with closing(LiveServer(running.endpoint, token)) as live:
        for name in live.serving():
            live.unload(name)
        yield live


@pytest.fixture(scope="module")
def three_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a repository, which takes longer to write than to copy."""
    folder = tmp_path_factory.mktemp("live")
    live_repository(folder)
    return folder


@pytest.fixture
def driven(three_versions: Path, tmp_path: Path) -> Iterator[Drive]:
    """Agents over a repository of three versions, whose journals are closed at the end."""
    shutil.copytree(three_versions, tmp_path, symlinks=True, dirs_exist_ok=True)
    made: list[Driven] = []

    def drive(*arguments: Any, **options: Any) -> Driven:
        made.append(Driven(tmp_path, *arguments, **options))
        return made[-1]

    yield drive
    for one in made:
        one.journal.close()


def ask(server: LiveServer) -> None:
    V2Model(server, "triton", TASK, "input", "logits").prepare(np.zeros((1, 1, SIZE, SIZE), np.float32))()


@contextmanager
def asking(server: LiveServer) -> Iterator[list[str]]:
    """Requests without a pause while the block lasts; why those failed that did."""
    failed: list[str] = []
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            try:
                ask(server)
            except ServerError as error:
                failed.append(str(error))

    thread = threading.Thread(target=go_on)
    thread.start()
    yield failed
    stop.set()
    thread.join()


@pytest.mark.integration
def test_where_nothing_answers_the_first_version_is_loaded(server: LiveServer, driven: Drive) -> None:
    run = driven(server, Told()).tick()
    assert server.serving() == {TASK: LARGE}
    assert [(one.before, one.after, one.error) for one in run.switches] == [(None, LARGE, None)]
    assert run.seconds[0].versions == {TASK: LARGE}


@pytest.mark.integration
def test_what_the_policy_decides_is_switched_while_the_server_is_out_of_rotation(
    server: LiveServer, driven: Drive
) -> None:
    run = driven(server, Told(SMALL)).tick(3)
    assert server.serving() == {TASK: SMALL}
    assert [(one.before, one.after) for one in run.switches] == [(None, LARGE), (LARGE, SMALL)]
    assert run.rotation.said == ["out", "in", "out", "in"]
    assert [one.versions[TASK] for one in run.seconds] == [LARGE, LARGE, SMALL]
    assert run.switches[1].began_s < run.switches[1].ended_s <= run.seconds[2].moment_s


@pytest.mark.integration
def test_no_request_is_lost_while_versions_are_replaced(server: LiveServer, driven: Drive) -> None:
    run = driven(server, Told(SMALL, LARGE, MIDDLE)).tick()
    with asking(server) as failed:
        run.tick(4)
    assert [one.after for one in run.switches] == [LARGE, SMALL, LARGE, MIDDLE]
    assert failed == []


@pytest.mark.integration
def test_a_server_that_dies_gets_its_last_good_version_back_when_it_is_there_again(driven: Drive) -> None:
    port = free_port()
    with closing(LiveServer(f"127.0.0.1:{port}", token)) as live:
        run = driven(live, Told(SMALL))
        with short_lived_triton(grpc_port=port) as first:
            run.tick(3)
            os.kill(first.process.pid, signal.SIGKILL)
            first.process.wait()
            run.tick(2)
        assert [one.versions for one in run.seconds[-2:]] == [{}, {}]
        assert "127.0.0.1" in str(run.seconds[-1].notice)
        assert run.rotation.said[-1] == "left out"
        with short_lived_triton(grpc_port=port):
            end = time.monotonic() + 20
            while not run.tick().seconds[-1].versions and time.monotonic() < end:
                time.sleep(0.1)
            assert live.serving() == {TASK: SMALL}
            assert run.rotation.said[-1] == "in"


@pytest.mark.integration
def test_a_server_that_hangs_is_left_out_and_taken_back_as_it_is(
    server: LiveServer, running: RunningServer, driven: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = driven(server, Told()).tick(2)
    running.process.send_signal(signal.SIGSTOP)
    # Until all its threads have stopped it may answer.
    os.waitid(os.P_PID, running.process.pid, os.WSTOPPED)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(servers, "CALL_LIMIT_S", 0.5)
            run.tick()
    finally:
        running.process.send_signal(signal.SIGCONT)
    assert (run.seconds[-1].versions, run.rotation.said[-1]) == ({}, "left out")
    run.tick()
    assert (run.seconds[-1].versions, run.rotation.said[-1]) == ({TASK: LARGE}, "in")
    assert len(run.switches) == 1


@pytest.mark.integration
def test_a_server_that_was_restarted_empty_gets_its_last_good_version_back(server: LiveServer, driven: Drive) -> None:
    run = driven(server, Told(SMALL)).tick(2)
    server.unload(TASK)
    run.tick()
    assert server.serving() == {TASK: SMALL}
    assert [(one.before, one.after) for one in run.switches][-1] == (None, SMALL)


@pytest.mark.integration
def test_a_last_good_version_comes_back_even_where_it_has_gone_from_the_repository(
    server: LiveServer, driven: Drive, tmp_path: Path
) -> None:
    run = driven(server, Told(SMALL)).tick(2)
    live_repository(tmp_path, {name: figures for name, figures in VARIANTS.items() if name != SMALL})
    run.catalogue.refresh()
    server.unload(TASK)
    run.tick()
    assert server.serving() == {TASK: SMALL}


@pytest.mark.integration
def test_a_load_that_fails_leaves_the_old_version_and_is_tried_again_only_when_it_is_decided_again(
    server: LiveServer, driven: Drive, tmp_path: Path
) -> None:
    live_repository(tmp_path, {**VARIANTS, ODD: (0.95, 100.0, BROKEN)})
    policy = Told(ODD, None, None, ODD)
    run = driven(server, policy).tick(3)
    assert [(one.after, one.error is None) for one in run.switches] == [(LARGE, True), (ODD, False)]
    assert policy.seen[1] == {TASK: LARGE}
    run.tick(2)
    assert [one.after for one in run.switches] == [LARGE, ODD, ODD]
    assert server.serving() == {TASK: LARGE}


@pytest.mark.integration
def test_of_several_tasks_those_switch_that_can(server: LiveServer, tmp_path: Path) -> None:
    bees = {"bees-large-0000001a": VARIANTS[LARGE], "bees-odd-0000001b": (0.9, 900.0, BROKEN)}
    live_repository(tmp_path, others={"bees": bees})
    asked: list[dict[str, str]] = []

    class Asked:
        mechanism = Mechanism(interval_s=1)

        def decide(self, now_s: int, observation: Observation, /) -> Decision:
            if now_s == 0:
                return decision(LARGE, "bees-large-0000001a")
            asked.append({one.task: one.variant for one in observation.deployments})
            assert observation.demand_rps.keys() == {TASK, "bees"}
            return decision(SMALL, "bees-odd-0000001b")

    catalogue = Catalogue(tmp_path / "repository", both_tasks)
    with Journal(tmp_path / "journal.jsonl") as journal:
        agent = Agent(server, Share().read, catalogue, Rotation(), journal, lambda _: Asked())
        for _ in range(3):
            agent.tick()
    kept = {TASK: SMALL, "bees": "bees-large-0000001a"}
    assert asked == [{**kept, TASK: LARGE}, kept]
    assert server.serving() == kept


@pytest.mark.integration
@pytest.mark.parametrize(("demand_rps", "order"), [((9.0, 1.0), [TASK, "bees"]), ((1.0, 9.0), ["bees", TASK])])
def test_what_relieves_a_server_most_is_switched_first(
    server: LiveServer, tmp_path: Path, demand_rps: tuple[float, float], order: list[str]
) -> None:
    large, small = {TASK: LARGE, "bees": "bees-large-0000001a"}, {TASK: SMALL, "bees": "bees-small-0000001c"}
    live_repository(tmp_path, others={"bees": {large["bees"]: VARIANTS[LARGE], small["bees"]: VARIANTS[SMALL]}})

    with Journal(tmp_path / "journal.jsonl") as journal:
        answering = ServedVersions(server, Catalogue(tmp_path / "repository", both_tasks), Rotation(), journal)
        answering.recover(lambda: large)
        answering.follow(small, dict(zip((TASK, "bees"), demand_rps, strict=True)))
    assert [one.task for one in read_journal(tmp_path / "journal.jsonl")[1]][2:] == order
    assert server.serving() == small


@pytest.mark.integration
def test_what_was_decided_and_is_offered_no_more_is_not_loaded_and_the_journal_says_so(
    server: LiveServer, tmp_path: Path
) -> None:
    live_repository(tmp_path)

    def without_small(repository: Repository) -> Environment:
        found = environment(repository)
        return replace(found, families={TASK: [one for one in found.families[TASK] if one.name != SMALL]})

    with Journal(tmp_path / "journal.jsonl") as journal:
        answering = ServedVersions(server, Catalogue(tmp_path / "repository", without_small), Rotation(), journal)
        answering.recover(lambda: {TASK: LARGE})
        answering.follow({TASK: SMALL}, {TASK: 1.0})
    assert "does not offer it" in str(read_journal(tmp_path / "journal.jsonl")[1][-1].error)
    assert server.serving() == {TASK: LARGE} == answering.versions


@pytest.mark.integration
def test_where_the_first_version_does_not_load_another_one_is_tried(
    server: LiveServer, driven: Drive, tmp_path: Path
) -> None:
    live_repository(tmp_path, {**VARIANTS, ODD: (0.95, 100.0, BROKEN)})
    run = driven(server, Told(first=ODD)).tick(2)
    assert [(one.after, one.error is None) for one in run.switches] == [(ODD, False), (SMALL, True)]
    assert server.serving() == {TASK: SMALL}
    assert run.rotation.said == ["out", "left out", "out", "in"]


@pytest.mark.integration
def test_without_any_demand_nothing_moves(server: LiveServer, driven: Drive) -> None:
    run = driven(server, eager, usage=Share(0.0)).tick(4)
    assert [one.demand_rps for one in run.seconds[1:]] == [{TASK: 0.0}] * 3
    assert {one.reason for one in run.seconds[1:]} == {"no task has any demand"}
    assert len(run.switches) == 1


@pytest.mark.integration
def test_a_demand_above_everything_ends_at_the_smallest_version_with_a_notice_and_loses_nothing(
    server: LiveServer, driven: Drive
) -> None:
    run = driven(server, eager, usage=Share(1.0)).tick()
    with asking(server) as failed:
        for _ in range(6):
            time.sleep(0.1)
            run.tick()
    assert failed == []
    assert server.serving() == {TASK: SMALL}
    assert "no smaller versions are left" in str(run.seconds[-1].notice)
    assert run.seconds[-1].demand_rps[TASK] > 0


@pytest.mark.alone
@pytest.mark.integration
def test_model_switching_follows_a_rising_demand_to_a_faster_version_and_a_falling_one_back(
    server: LiveServer, driven: Drive
) -> None:
    def switching(over: Environment) -> Policy:
        return model_switching(over, forecaster=WindowedMaximum(window_s=2), interval_s=2)

    run = driven(server, switching).tick()
    known = {TASK: ExpectedAnswers.of(run.catalogue.environment.repository, TASK, TARGET)}
    # 4 s of 10 requests/s, 6 s of 120, and 10 again.
    moments_s = np.concatenate([np.arange(0, 4, 1 / 10), np.arange(4, 10, 1 / 120), np.arange(10, 18, 1 / 10)])
    with ThreadPoolExecutor(1) as pool:
        traffic = pool.submit(send, server.endpoint, {TASK: moments_s}, known)
        while not traffic.done():
            run.tick()
            time.sleep(1)
    requests = traffic.result().tasks[TASK]
    assert requests.right.all(), requests.why
    versions = [one.after for one in run.switches if one.error is None]
    assert (versions[0], versions[1], versions[-1]) == (LARGE, MIDDLE, LARGE)
    answered = np.array(requests.variants)[requests.answer]
    assert answered[0] == answered[-1] == LARGE
    assert LARGE not in answered[(moments_s > 8) & (moments_s < 10)]


@pytest.mark.integration
def test_a_version_that_has_gone_from_the_repository_stays_until_the_policy_leaves_it(
    server: LiveServer, driven: Drive, tmp_path: Path
) -> None:
    policy = Told(None, None, SMALL)
    run = driven(server, policy).tick(2)
    live_repository(tmp_path, {MIDDLE: VARIANTS[MIDDLE], SMALL: VARIANTS[SMALL]})
    run.catalogue.refresh()
    run.tick()
    assert server.serving() == {TASK: LARGE}
    run.tick(2)
    assert server.serving() == {TASK: SMALL}
    assert policy.offered == [{LARGE, MIDDLE, SMALL}] * 3 + [{MIDDLE, SMALL}]


@pytest.mark.integration
def test_a_repository_that_is_not_whole_is_not_taken_and_the_notice_says_so(
    server: LiveServer, driven: Drive, tmp_path: Path
) -> None:
    policy = Told(None, None, SMALL)
    run = driven(server, policy).tick(2)
    index = tmp_path / "repository" / "repository.json"
    whole = index.read_text()
    index.write_text(whole[: len(whole) // 2])
    run.catalogue.refresh()
    run.tick(2)
    assert "the repository as it is now is not used" in str(run.seconds[-1].notice)
    assert server.serving() == {TASK: SMALL}
    index.write_text(whole)
    run.catalogue.refresh()
    assert run.tick().seconds[-1].notice is None


@pytest.mark.integration
def test_an_orchestrator_that_begins_anew_takes_what_answers_for_granted(server: LiveServer, driven: Drive) -> None:
    driven(server, Told(MIDDLE)).tick(2).journal.close()
    policy = Told()
    run = driven(server, policy).tick(2)
    assert policy.seen == [{TASK: MIDDLE}]
    assert [one.after for one in run.switches] == [LARGE, MIDDLE]


@pytest.mark.integration
def test_a_variant_of_somebody_elses_answers_until_one_of_ours_does(
    server: LiveServer, driven: Drive, tmp_path: Path
) -> None:
    elsewhere = live_repository(tmp_path / "elsewhere", {ODD: VARIANTS[LARGE]})
    server.switch(TASK, of(elsewhere, TARGET, TASK, ODD))
    with asking(server) as failed:
        driven(server, Told(first=MIDDLE)).tick()
    assert server.serving() == {TASK: MIDDLE}
    assert failed == []


@pytest.mark.integration
def test_a_load_that_took_effect_though_it_was_called_failed_is_seen_at_once(
    server: LiveServer, driven: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = server.switch

    def late(task: str, network: Network) -> None:
        switch(task, network)
        if network.variant == SMALL:
            raise ServerError("Deadline Exceeded")

    monkeypatch.setattr(server, "switch", late)
    policy = Told(SMALL, None)
    run = driven(server, policy).tick(3)
    assert [one.error for one in run.switches] == [None, "Deadline Exceeded"]
    assert policy.seen[1] == {TASK: SMALL}


@pytest.mark.integration
def test_a_network_that_replaced_ours_later_or_by_another_hand_is_found_by_its_fallen_counts(
    server: LiveServer, driven: Drive, three_versions: Path
) -> None:
    policy = Told()
    run = driven(server, policy).tick(2)
    for _ in range(30):
        ask(server)
    run.tick()
    server.switch(TASK, of(Repository.load(three_versions / "repository"), TARGET, TASK, MIDDLE))
    run.tick(2)
    assert policy.seen[-1] == {TASK: MIDDLE}
    assert [one.after for one in run.switches] == [LARGE]


@pytest.mark.integration
def test_a_variant_that_is_published_anew_with_another_file_is_loaded_once(
    server: LiveServer, driven: Drive, tmp_path: Path
) -> None:
    run = driven(server, Told()).tick(2)
    before = server.digest(TASK)
    live_repository(tmp_path, {**VARIANTS, LARGE: (0.97, 60.0, 4.0)})
    run.catalogue.refresh()
    run.tick(3)
    assert [(one.before, one.after, one.error) for one in run.switches[1:]] == [(LARGE, LARGE, None)]
    assert server.digest(TASK) == run.catalogue.digest(LARGE) != before


@pytest.mark.integration
def test_who_cannot_decide_is_a_notice_and_the_server_stays_in_rotation(server: LiveServer, driven: Drive) -> None:
    class Undecided(Told):
        def decide(self, now_s: int, observation: Observation, /) -> Decision:
            if now_s:
                raise Infeasible("no version is below max_metric")
            return super().decide(now_s, observation)

    run = driven(server, Undecided()).tick(3)
    assert run.rotation.said == ["out", "in"]
    assert run.seconds[-1].notice == "no version is below max_metric"
    assert run.seconds[-1].versions == {TASK: LARGE}


@pytest.mark.integration
def test_a_server_whose_return_into_rotation_failed_is_returned_in_the_next_second(
    server: LiveServer, driven: Drive
) -> None:
    class Stuck(Watched):
        @contextmanager
        def without(self, endpoint: str) -> Iterator[None]:
            with super().without(endpoint):
                yield
            if len(self.said) == 4:
                raise ServerError("NGINX does not take its servers")

    run = driven(server, Told(SMALL, None, None))
    run.rotation = run.agent._rotation = run.agent._served._rotation = Stuck()
    run.tick(4)
    assert run.rotation.said == ["out", "in"] * 3
    assert [one.after for one in run.switches] == [LARGE, SMALL]
    assert run.seconds[-1].notice is None


@pytest.mark.integration
def test_a_rotation_that_fails_is_a_notice_and_the_old_version_stays(server: LiveServer, driven: Drive) -> None:
    class Failing(Watched):
        def without(self, endpoint: str) -> Any:
            if len(self.said) >= 2:
                raise ServerError("NGINX does not run")
            return super().without(endpoint)

    run = driven(server, Told(SMALL, None))
    run.rotation = run.agent._rotation = run.agent._served._rotation = Failing()
    run.tick(3)
    assert server.serving() == {TASK: LARGE}
    assert run.seconds[-1].notice == "NGINX does not run"


def test_on_a_part_of_the_cores_every_version_does_as_much_less() -> None:
    versions = (trivial.Version(name="a", accuracy=0.9, images_per_s=100),)
    asked = trivial.Problem(tasks=(trivial.Task(name=TASK, versions=versions, demand_rps=1),), cores=2)
    assert asked.on_cores(0.5).tasks[0].versions[0].images_per_s == 25
    assert asked.on_cores(2) == asked.on_cores(8) == asked


@pytest.mark.integration
def test_a_policy_that_wants_several_servers_for_a_task_is_a_notice(server: LiveServer, driven: Drive) -> None:
    class Several(Told):
        def decide(self, now_s: int, observation: Observation, /) -> Decision:
            return decision(LARGE, SMALL) if now_s else super().decide(now_s, observation)

    run = driven(server, Several()).tick(3)
    assert "the policy wants several servers for digits" in str(run.seconds[-1].notice)
    assert run.seconds[-1].versions == {TASK: LARGE}


@pytest.mark.integration
def test_a_policy_keeps_what_it_knows_over_its_own_switches_and_begins_anew_with_another_edition(
    server: LiveServer, driven: Drive, tmp_path: Path
) -> None:
    made: list[Environment] = []
    policy = Told(SMALL, LARGE)

    def make(over: Environment) -> Policy:
        made.append(over)
        return policy(over)

    run = driven(server, make).tick(2)
    begun = len(made)
    run.tick(3)
    assert [one.after for one in run.switches] == [LARGE, SMALL, LARGE]
    assert len(made) == begun
    live_repository(tmp_path, {**VARIANTS, ODD: (0.7, 950.0, 5.0)})
    run.catalogue.refresh()
    run.tick(2)
    assert len(made) == begun + 1
    assert policy.offered[-1] == {LARGE, MIDDLE, SMALL, ODD}
