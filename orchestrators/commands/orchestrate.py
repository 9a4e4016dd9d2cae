"""orchestrate: drives real Triton servers by a policy, until Ctrl-C or the end of its own load."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path

from omegaconf import DictConfig

from orchestrators.commands.live_settings import Settings
from orchestrators.commands.prepared import complete_target_and_tasks, repository_of, validated
from orchestrators.live.agent import Agent
from orchestrators.live.catalogue import Catalogue
from orchestrators.live.clock import Loops, Tick, running_loops
from orchestrators.live.expected_answers import ExpectedAnswers
from orchestrators.live.journal import Journal, Second, Switched, read_journal
from orchestrators.live.rotation import NginxRotation, Rotation
from orchestrators.live.run import Run
from orchestrators.live.run_report import FIGURE, JOURNAL, OUTCOME, PAGE, loaded, report
from orchestrators.live.server import LiveServer, OwnServer
from orchestrators.live.tables import delivered_table
from orchestrators.live.usage import Usage
from orchestrators.load import Load
from porting.command_line.dispatch import configured
from porting.common.console import say, table
from porting.repository import Repository
from profiler.common.errors import BadInputError, ServerError
from profiler.system.machine import split_cores
from profiler.triton.access import environment_token

READY_LIMIT_S = 120.0
POLL_S = 0.2
# Reading an index of thousands of variants is slow.
REFRESH_S = 10


def run(arguments: Sequence[str]) -> None:
    """Runs the command with `conf/orchestrate.yaml` and the overrides on the command line."""
    configured("orchestrate", arguments, orchestrated)


def orchestrated(config: DictConfig) -> None:
    """Drives the servers; with a load it also sends the requests and prints the outcome."""
    settings = prepared(config)
    catalogue = Catalogue(settings.repository, settings.environment, settings.public_key)
    with ExitStack() as stack:
        servers, ticks = servers_of(settings, stack)
        endpoints = [server.endpoint for server in servers]
        journal = stack.enter_context(PrintingJournal(settings.output / JOURNAL))
        agents = agents_of(settings, servers, catalogue, journal)
        say(f"driving {', '.join(endpoints)}: clients call {', '.join(settings.tasks)}")
        say(f"journal   {settings.output / JOURNAL}")
        loops = stack.enter_context(
            running_loops([*ticks, every(REFRESH_S, catalogue.refresh), *(agent.tick for agent in agents)])
        )
        if settings.load is None:
            until_interrupted(loops)
        else:
            wait_until_ready(agents, loops)
            send_load(settings, settings.load, endpoints, catalogue.environment.repository)


def prepared(config: DictConfig) -> Settings:
    """The settings with target and tasks filled in; raises `BadInputError` for invalid ones."""
    complete_target_and_tasks(config, repository_of(config))
    settings = validated(config, Settings)
    if settings.nginx is None and settings.load is not None and len(settings.servers) > 1:
        raise BadInputError(f"a load for {len(settings.servers)} servers needs the nginx that balances it: give nginx")
    if len(settings.policies) > 1:
        raise BadInputError(f"servers follow one policy: choose one of {', '.join(settings.policies)} with policy=NAME")
    return settings


def servers_of(settings: Settings, stack: ExitStack) -> tuple[list[LiveServer], list[Tick]]:
    """The given servers, or an own server with the tick that restarts it."""
    if settings.servers:
        token = environment_token()
        return [stack.enter_context(closing(LiveServer(one, token))) for one in settings.servers], []
    server_cores, client_cores = split_cores(settings.cores)
    own = stack.enter_context(OwnServer(server_cores, settings.grpc_port))
    if settings.load is not None:
        # Clients on the server's cores would delay its answers.
        os.sched_setaffinity(0, client_cores)
    return [stack.enter_context(closing(LiveServer(own.endpoint, own.token, own.models)))], [own.tick]


def agents_of(settings: Settings, servers: Sequence[LiveServer], catalogue: Catalogue, journal: Journal) -> list[Agent]:
    """An agent for each server; raises `BadInputError` for a server on another host."""
    proxy = settings.nginx
    endpoints = [server.endpoint for server in servers]
    rotation: Rotation = Rotation() if proxy is None else NginxRotation(proxy.servers_file, proxy.pid_file, endpoints)
    return [Agent(one, Usage(one.endpoint).read, catalogue, rotation, journal, settings.policy) for one in servers]


def send_load(settings: Settings, load: Load, endpoints: Sequence[str], repository: Repository) -> None:
    """Sends the load, prints the outcome and writes the report."""
    expected = {task: ExpectedAnswers.of(repository, task, settings.target_name) for task in settings.tasks}
    schedules = load.schedules(settings.tasks)
    say(f"sending {sum(map(len, schedules.values())):,} requests")
    target = endpoints[0] if settings.nginx is None else settings.nginx.endpoint
    traffic, stalls = loaded(target, schedules, expected)
    seconds = read_journal(settings.output / JOURNAL)
    run = Run.of(settings.policy_name, traffic, seconds, stalls, repository, settings.target_name, settings.deadline_ms)
    report(run, settings.output)
    found = delivered_table([run])
    table(found.title, found.columns, found.rows)
    for what, name in (("as JSON", OUTCOME), ("figure", FIGURE), ("page", PAGE)):
        say(f"{what:9} {settings.output / name}")


def wait_until_ready(agents: Sequence[Agent], loops: Loops) -> None:
    """Returns when every task of every server has a version that answers; raises `ServerError` at the limit."""
    end = time.monotonic() + READY_LIMIT_S
    while not all(agent.ready for agent in agents):
        if time.monotonic() > end:
            raise ServerError(f"not every server answers to every task after {READY_LIMIT_S:g} s: read the journal")
        loops.wait(POLL_S)


def until_interrupted(loops: Loops) -> None:
    """Waits until Ctrl-C; raises the first error of a loop."""
    say("Ctrl-C stops")
    try:
        loops.wait()
    except KeyboardInterrupt:
        say("stopping")


def every(times: int, tick: Tick) -> Tick:
    """A tick that acts in one of `times` calls."""
    calls = count(1)

    def counted() -> None:
        if next(calls) % times == 0:
            tick()

    return counted


class PrintingJournal(Journal):
    """A journal that also prints switches and new notices."""

    def __init__(self, path: Path, printed: Callable[[str], None] = say) -> None:
        super().__init__(path)
        self._print, self._noticed, self._troubled = printed, dict[str, str | None](), ""

    def add(self, record: Second | Switched) -> None:
        """Appends the record, and prints it where it is a switch or brings a new notice."""
        super().add(record)
        if self.trouble != self._troubled:
            self._troubled = self.trouble
            self._print(self.trouble or f"{self._path} is written again")
        if isinstance(record, Switched):
            took = f"in {1e3 * (record.ended_s - record.began_s):.0f} ms"
            how = took if record.error is None else f"failed: {record.error}"
            self._print(f"{record.server} {record.task}: {record.before or 'nothing'} to {record.after} {how}")
        elif record.notice != self._noticed.get(record.server):
            self._noticed[record.server] = record.notice
            self._print(f"{record.server}: {record.notice or 'no notice any more'}")
