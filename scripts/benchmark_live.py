"""The trivial policy on real Triton servers, in turns with the smallest and the largest version (thesis 5.5).

Usage: python scripts/benchmark_live.py REPOSITORY --trace FILE [--seconds S] [--rounds N] [--setting NAME] ...

REPOSITORY holds one or more published tasks, measured on one core. The task with the most versions is also served
alone. The mean demand is 60 % of the middle version's throughput, shared evenly by the tasks. As in the thesis (5.2.2),
each task has a sample of the trace and a macro trend of its own. The demand grows during the first 30 s, because a
policy that changes versions at most every 15 s cannot follow a full demand from the start. Every request has a real
picture, and every answer is checked. Each of three servers has half a core. An NGINX in front of them balances each
request.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from figures import FOLDER as PAGES
from figures import ROOT, Figure, record
from live_figures import against_simulation, figures
from live_settings import SERVER_CORES, SETTINGS, Setting

from orchestrators.live.nginx import nginx_server
from orchestrators.live.outcome import Outcome
from orchestrators.live.run_report import FIGURE, OUTCOME
from orchestrators.load import Load
from orchestrators.planners.trivial.from_repository import problem_of
from orchestrators.policies import Environment
from orchestrators.policies.trivial import trivial
from orchestrators.simulation import Box, Result, Settings, simulate
from orchestrators.variant import catalogue
from porting.repository import Repository
from profiler.common.errors import BadInputError
from profiler.common.scratch import scratch
from profiler.system.cpu_limit import cpu_limit
from profiler.triton.access import TOKEN_FILE, new_token
from profiler.triton.installation import find_triton
from profiler.triton.server import triton_server

FOLDER = ROOT / "artifacts" / "benchmark_live"
DEADLINE_MS, MIDDLE_SHARE, WARM_UP_S, TREND = 400.0, 0.6, 30, 0.4
DRAWS = 10


@dataclass(frozen=True)
class Bench:
    """The repository and the requests of a run."""

    repository: Repository
    trace: Path
    seconds: int

    def tasks(self, setting: Setting) -> list[str]:
        by_choice = sorted(self.repository.tasks, key=lambda task: -len(self.repository.frontier(task, self.target)))
        return sorted(by_choice[: setting.tasks])

    @property
    def target(self) -> str:
        """The only target."""
        (target,) = self.repository.targets
        return target

    def load(self, setting: Setting, seed: int) -> Load:
        """The load of a setting, shared evenly by the tasks, relative to the throughput of the middle versions."""
        tasks = self.tasks(setting)
        part = MIDDLE_SHARE * setting.load * setting.cores / len(tasks)
        mean_rps = {task: part * middle(self.rates_rps(task)) for task in tasks}
        return Load(
            mean_rps=mean_rps, seconds=self.seconds, trace=self.trace, seed=seed,
            warm_up_s=min(WARM_UP_S, self.seconds), trend=TREND,
        )  # fmt: skip

    def rates_rps(self, task: str) -> list[float]:
        """The throughputs of the versions in single requests, the most accurate version first."""
        environment = Environment.of(self.repository, self.target, {task: 1.0}, DEADLINE_MS)
        problem = problem_of(environment.families, demand_rps=environment.first_rps, batch=environment.batch)
        versions = sorted(problem.tasks[0].versions, key=lambda version: -version.accuracy)
        return [version.images_per_s for version in versions]

    def demand(self, setting: Setting, rounds: int) -> Iterator[tuple[str, Figure]]:
        """The mean and the highest second of the demand, relative to the throughputs of the versions."""
        tasks = self.tasks(setting)
        sent = [self.load(setting, number).demands(tasks) for number in range(rounds)]
        for what, rate_rps, figure in (
            ("mean demand of what the middle versions carry", middle, np.mean),
            ("highest second of what the most accurate versions carry", most_accurate, np.max),
        ):
            needed = [sum(one[task] / rate_rps(self.rates_rps(task)) for task in tasks) / setting.cores for one in sent]
            yield f"{setting.name}: {what}", Figure(100 * float(figure(np.array(needed))), "%")

    def run(self, setting: Setting, name: str, number: int) -> Outcome:
        """One live run with the command of a user."""
        output = FOLDER / setting.name.replace(" ", "-").replace(",", "") / f"{name}-{number}"
        with servers(setting) as arguments:
            command = [
                sys.executable, "-m", "dnn_porting", "orchestrate", f"repository={self.repository.storage}",
                f"policy={name}", f"deadline_ms={DEADLINE_MS:g}", f"output={output}",
                f"tasks=[{','.join(self.tasks(setting))}]",
                f"load={json.dumps(self.load(setting, number).model_dump(mode='json')).replace(chr(34), '')}",
                *arguments,
            ]  # fmt: skip
            print(setting.name, name, number, flush=True)
            subprocess.run(command, check=True, cwd=ROOT)
        return Outcome.model_validate_json((output / OUTCOME).read_bytes())

    def simulated(self, setting: Setting, number: int) -> list[Result]:
        """The trivial policy on the same requests without a server, with several random draws of the service times."""
        load = self.load(setting, number)
        schedules = load.schedules(self.tasks(setting))
        first_rps = {task: float(one.mean()) for task, one in load.demands(self.tasks(setting)).items()}
        environment = Environment.of(self.repository, self.target, first_rps, DEADLINE_MS)
        versions = catalogue(environment.repository, environment.tasks, environment.target)
        return [
            simulate(
                versions, schedules, trivial(environment), Box(cores=environment.cores),
                Settings(seconds=self.seconds, deadline_ms=DEADLINE_MS, seed=seed), "trivial",
            )
            for seed in range(DRAWS)
        ]  # fmt: skip


def middle(rates_rps: Sequence[float]) -> float:
    return sorted(rates_rps)[len(rates_rps) // 2]


def most_accurate(rates_rps: Sequence[float]) -> float:
    return rates_rps[0]


@contextmanager
def servers(setting: Setting) -> Iterator[list[str]]:
    """The arguments that name the servers; no arguments for one server, which the command starts itself."""
    if setting.servers == 1:
        yield []
        return
    with ExitStack() as stack:
        token = new_token()
        running = [stack.enter_context(triton_server(find_triton(), token=token)) for _ in range(setting.servers)]
        file = stack.enter_context(scratch("token")).folder / "token"
        file.write_text(token)
        os.environ[TOKEN_FILE] = str(file)
        for one in running:
            stack.enter_context(cpu_limit([one.process.pid], SERVER_CORES))
        endpoints = [one.endpoint for one in running]
        nginx = stack.enter_context(nginx_server(endpoints))
        proxy = f'{{endpoint: "{nginx.endpoint}", servers_file: {nginx.servers_file}, pid_file: {nginx.pid_file}}}'
        yield [f"servers={json.dumps(endpoints)}", f"nginx={proxy}"]


def simulation(bench: Bench, setting: Setting, live: Sequence[Outcome]) -> dict[str, Figure]:
    """The simulated figures less the live ones, unknown where the profiles lack figures of `profile=full`."""
    try:
        results = [one for number in range(len(live)) for one in bench.simulated(setting, number)]
    except BadInputError as error:
        return {f"{setting.name}: simulated less live": Figure(None, "points", note=str(error))}
    return dict(against_simulation(setting, live, results))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repository", type=Path)
    parser.add_argument("--trace", type=Path, required=True, help="requests in each second, one whole number a line")
    parser.add_argument("--seconds", type=int, default=600, help="of each run (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="of every policy (default: %(default)s)")
    parser.add_argument("--setting", action="append", choices=[one.name for one in SETTINGS])
    options = parser.parse_args()
    bench = Bench(Repository.load(options.repository.resolve()), options.trace.resolve(), options.seconds)
    found: dict[str, Figure] = {}
    for setting in SETTINGS:
        if options.setting and setting.name not in options.setting:
            continue
        outcomes: dict[str, list[Outcome]] = {name: [] for name in setting.policies}
        for number in range(options.rounds):
            for name in setting.policies:
                outcomes[name].append(bench.run(setting, name, number))
        found |= dict(bench.demand(setting, options.rounds)) | dict(figures(setting, outcomes))
        if setting.servers == 1:
            found |= simulation(bench, setting, outcomes["trivial"])
    for figure in FOLDER.glob(f"three-tasks/trivial-0/{FIGURE}"):
        shutil.copyfile(figure, PAGES / "live.png")
    record("live", found)


if __name__ == "__main__":
    main()
