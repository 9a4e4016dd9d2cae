"""`dnn-porting orchestrate`, as a user types it: real servers, real clients."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from full_profile import item
from made_live import LARGE, SMALL, TASK, live_repository
from made_tasks import planning_profile
from servers.short_lived import short_lived_triton
from support import Command, command_line, environment

from orchestrators.commands.orchestrate import PrintingJournal
from orchestrators.live.journal import Second, Switched, read_journal
from orchestrators.live.nginx import find_nginx, nginx_server
from porting.repository.publishing.writer import publish
from profiler.common.errors import ServerNotFoundError
from profiler.triton.server import RunningServer

Seen = Callable[[list[Second], list[Switched]], bool]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"repository={live_repository(tmp_path_factory.mktemp('live')).storage.local}"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningServer]:
    with short_lived_triton() as server:
        yield server


@contextmanager
def orchestrating(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own, which is killed at the end if it has not ended."""
    command = command_line("orchestrate", *arguments)
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(output: Path, seen: Seen, limit_s: float = 60) -> tuple[list[Second], list[Switched]]:
    """The journal as soon as it shows that."""
    path, end = output / "journal.jsonl", time.monotonic() + limit_s
    while time.monotonic() < end:
        if path.exists() and seen(*(found := read_journal(path))):
            return found
        time.sleep(0.1)
    pytest.fail(f"not seen in {path} within {limit_s} s: {path.read_text() if path.exists() else 'no journal'}")


def answers(seconds: list[Second], _switches: list[Switched]) -> bool:
    return bool(seconds and seconds[-1].versions)


@pytest.mark.integration
def test_a_load_on_a_server_of_its_own_is_reported_with_a_figure(
    dnn_porting: Command, repository: str, tmp_path: Path
) -> None:
    output = f"output={tmp_path / 'run'}"
    run = dnn_porting("orchestrate", repository, output, "load={mean_rps: 20, seconds: 3}", "deadline_ms=5000")
    assert run.code == 0, run.err
    found = json.loads((tmp_path / "run" / "outcome.json").read_text())["whole"]["all_tasks"]
    assert found["sent"] > 30
    assert (found["lost"], found["wrong"], found["late_share"]) == (0, 0, 0)
    assert (tmp_path / "run" / "live.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "run" / "live.html").exists()
    assert "What was delivered" in run.out


@pytest.mark.integration
@pytest.mark.parametrize(("policy", "version"), [("smallest", SMALL), ("largest", LARGE), ("model_switching", LARGE)])
def test_every_policy_begins_with_its_version_for_the_load(
    dnn_porting: Command, repository: str, tmp_path: Path, policy: str, version: str
) -> None:
    load = "load={mean_rps: 5, seconds: 1}"
    run = dnn_porting("orchestrate", repository, f"output={tmp_path}", load, f"policy={policy}")
    assert run.code == 0, run.err
    assert {one.versions[TASK] for one in read_journal(tmp_path / "journal.jsonl")[0]} == {version}


@pytest.mark.integration
def test_several_servers_behind_an_nginx_share_the_load(dnn_porting: Command, repository: str, tmp_path: Path) -> None:
    try:
        find_nginx()
    except ServerNotFoundError as error:
        pytest.skip(str(error))
    with short_lived_triton() as one, short_lived_triton() as other:
        servers = [one.endpoint, other.endpoint]
        with nginx_server(servers) as nginx:
            files = f"endpoint: '{nginx.endpoint}', servers_file: {nginx.servers_file}, pid_file: {nginx.pid_file}"
            given = [f"servers=[{','.join(map(repr, servers))}]", f"nginx={{{files}}}", f"output={tmp_path}"]
            run = dnn_porting("orchestrate", repository, *given, "load={mean_rps: 40, seconds: 4}")
    assert run.code == 0, run.err
    found = json.loads((tmp_path / "outcome.json").read_text())["whole"]["all_tasks"]
    assert (found["lost"], found["wrong"]) == (0, 0)
    seconds, _ = read_journal(tmp_path / "journal.jsonl")
    for endpoint in servers:
        assert max(sum(one.demand_rps.values()) for one in seconds if one.server == endpoint) > 0


@pytest.mark.integration
def test_a_killed_orchestrator_goes_on_where_it_was(repository: str, tmp_path: Path, running: RunningServer) -> None:
    given = [repository, f"servers=['{running.endpoint}']", f"output={tmp_path}"]
    with orchestrating(*given) as first:
        before, loads = wait_for(tmp_path, answers)
        first.send_signal(signal.SIGKILL)
        first.wait()
    with orchestrating(*given) as second:
        seconds, switches = wait_for(tmp_path, lambda seconds, _: len(seconds) > len(before) + 3)
        second.send_signal(signal.SIGINT)
        said = second.communicate(timeout=60)[0]
        assert second.returncode == 0
    assert [one.versions for one in seconds[-2:]] == [{TASK: LARGE}] * 2
    assert switches == loads
    assert "stopping" in said


@pytest.mark.integration
def test_a_server_of_its_own_that_dies_is_started_again(repository: str, tmp_path: Path) -> None:
    with orchestrating(repository, f"output={tmp_path}") as process:
        before, _ = wait_for(tmp_path, answers)
        (server,) = [one for one in psutil.Process(process.pid).children() if "triton" in " ".join(one.cmdline())]
        server.kill()

        def was_away(seconds: list[Second], _: list[Switched]) -> bool:
            return any(not one.versions for one in seconds[len(before) :])

        # The journal keeps that it was away, however soon it answers again.
        seconds, switches = wait_for(tmp_path, lambda *found: was_away(*found) and answers(*found))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert seconds[-1].server == seconds[0].server
    assert [one.after for one in switches] == [LARGE, LARGE]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["servers=['192.0.2.7:8001']"], "server 192.0.2.7:8001 is on another host"),
        (
            ["policy=trivail"],
            "unknown policy 'trivail': did you mean 'trivial'? Choices: all, inf_adapter, infaas,",
        ),
        (
            ["policy=model_switching", "policies.model_switching.max_metric={digits: 1}"],
            "unknown key 'policies.model_switching.max_metric'",
        ),
        (["policy=[trivial,largest]"], "servers follow one policy: choose one of trivial, largest with policy=NAME"),
        (["policy=sponge"], "policy=sponge changes the cores of a running server, which is only simulated: choose"),
        (["policy=infaas"], "policy=infaas reserves cores for each version, which is only simulated: choose"),
        (["policy=reactive_vms"], "the target local_cpu states no start_up_s"),
        (["tsaks=[digits]"], "unknown key 'tsaks': did you mean 'tasks'?"),
        (["tasks=[bees]"], "unknown task 'bees': choices are digits"),
        (["target_name=gpu"], "unknown target 'gpu': choices are local_cpu"),
        (["load={mean_rps: 3, trnd: 1}"], "unknown key 'load.trnd': did you mean 'trend'? Choices: mean_rps, seconds,"),
        (["load={seconds: 3}"], "no demand: give a trace, steps, or mean_rps"),
        (["load={mean_rps: {bees: 3}, seconds: 3}"], "load.mean_rps has none for digits"),
        (["servers=['127.0.0.1:1','127.0.0.1:2']", "load={mean_rps: 1, seconds: 1}"], "needs the nginx that balances"),
    ],
)
def test_what_cannot_be_used_is_named_with_the_fix(
    dnn_porting: Command, repository: str, tmp_path: Path, arguments: list[str], said: str
) -> None:
    run = dnn_porting("orchestrate", repository, f"output={tmp_path}", *arguments)
    assert run.code == 2
    assert said in run.err
    assert len(run.err.splitlines()) == 1


def test_a_profile_that_tells_nothing_of_loads_is_refused_by_who_decides_by_them(
    dnn_porting: Command, tmp_path: Path
) -> None:
    made = publish(tmp_path / "repository", [item(LARGE, planning_profile(60, load=()), tmp_path)])
    run = dnn_porting("orchestrate", f"repository={made.storage.local}", f"output={tmp_path}", "policy=model_switching")
    assert (run.code, len(run.err.splitlines())) == (2, 1)
    assert f"{LARGE} has no share in time: " in run.err
    assert "a run with profile=full target=local_cpu measures it" in run.err


def test_who_watches_is_told_of_switches_and_of_what_is_new_in_notices(tmp_path: Path) -> None:
    told: list[str] = []
    second = Second(
        moment_s=1, server="here:1", cpu_share=0.9, demand_rps={TASK: 9.0}, versions={TASK: SMALL}, rule="hold",
        reason="the smallest versions answer",
    )  # fmt: skip
    busy = second.model_copy(update={"notice": "add cores"})
    switched = Switched(server="here:1", task=TASK, before=None, after=SMALL, began_s=1.0, ended_s=1.2)
    failed = switched.model_copy(update={"before": SMALL, "after": LARGE, "error": "no memory"})
    with PrintingJournal(tmp_path / "journal.jsonl", told.append) as journal:
        for record in (switched, second, busy, busy, failed, second, second):
            journal.add(record)
    assert told == [
        f"here:1 {TASK}: nothing to {SMALL} in 200 ms",
        "here:1: add cores",
        f"here:1 {TASK}: {SMALL} to {LARGE} failed: no memory",
        "here:1: no notice any more",
    ]


def test_a_journal_that_cannot_be_written_is_told_once_and_so_is_that_it_can_be_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    second = Second(
        moment_s=0, server="here:1", cpu_share=0, demand_rps={}, versions={}, rule="hold", reason="nothing to do"
    )
    path = tmp_path / "journal.jsonl"

    def full(_line: bytes) -> None:
        raise OSError(28, "No space left on device")

    with PrintingJournal(path, told.append) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(journal, "_write", full)
            journal.add(second)
            journal.add(second)
        journal.add(second)
    assert told == [f"{path} cannot be written: No space left on device", f"{path} is written again"]
