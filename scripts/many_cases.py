"""Many cases, each in a forked process, a few at a time; a finished case is read from a file of JSON lines."""

import json
import os
import random
import re
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

Case = TypeVar("Case")
AGAIN = " (again, alone)"
LATE = re.compile(r"took \d+ s|ended by the limit of time")
Outcome = dict[str, Any]


def run_all(
    cases: dict[str, Case], run: Callable[[Case, Path], Outcome], folder: Path, at_once: int = 2, again: bool = False
) -> dict[str, Outcome]:
    """The outcomes by the names of the cases; `run` is called in a process of its own with a temporary folder.

    With `again` the cases with a fault are run again.
    """
    journal = folder / "outcomes.jsonl"
    outcomes = {name: one for name, one in finished(journal).items() if not (again and one["faults"])}
    waiting = [name for name in cases if name not in outcomes]
    running: dict[int, str] = {}
    began, total = time.monotonic(), len(waiting)
    while waiting or running:
        while waiting and len(running) < at_once:
            name = waiting.pop(0)
            running[started(name, cases[name], run, folder)] = name
        pid, _ = os.wait()
        if pid not in running:
            continue
        name = running.pop(pid)
        outcomes[name] = collected(name, folder)
        with journal.open("a") as lines:
            lines.write(json.dumps({"case": name, **outcomes[name]}) + "\n")
        done = total - len(waiting) - len(running)
        verdict = outcomes[name].get("faults") or outcomes[name].get("verdict", "")
        print(f"{done}/{total} {time.monotonic() - began:.0f} s  {name}: {verdict}", flush=True)
    return {name: outcomes[name] for name in cases}


def run_again_alone(
    cases: dict[str, Case], outcomes: dict[str, Outcome], run: Callable[[Case, Path], Outcome], folder: Path
) -> dict[str, Outcome]:
    """The outcomes, with a second run, one at a time, of the slow cases, because the machine may have been busy."""
    late = {f"{name}{AGAIN}": cases[name] for name, one in outcomes.items() if any(map(LATE.match, one["faults"]))}
    again = run_all(late, run, folder, at_once=1)
    return outcomes | {name.removesuffix(AGAIN): one for name, one in again.items()}


def finished(journal: Path) -> dict[str, Outcome]:
    """The outcomes of an earlier run."""
    lines = journal.read_text().splitlines() if journal.exists() else []
    found = [json.loads(line) for line in lines]
    return {one.pop("case"): one for one in found}


def started(name: str, case: Case, run: Callable[[Case, Path], Outcome], folder: Path) -> int:
    """The process that runs the case."""
    place = place_of(name, folder)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        outcome = run(case, place)
    except BaseException:
        outcome = {"faults": ["the script itself failed"], "why": traceback.format_exc()}
    (place / "outcome.json").write_text(json.dumps(outcome))
    os._exit(0)


def collected(name: str, folder: Path) -> Outcome:
    """The output of the process; its folder is removed."""
    place = place_of(name, folder)
    path = place / "outcome.json"
    found: Outcome = (
        json.loads(path.read_text()) if path.exists() else {"faults": ["the script itself failed"], "why": "killed"}
    )
    shutil.rmtree(place, ignore_errors=True)
    return found


def place_of(name: str, folder: Path) -> Path:
    """A short name, because the longest path of a socket is 108 bytes."""
    return folder / f"c{abs(hash_of(name)):x}"


def hash_of(name: str) -> int:
    return random.Random(name).getrandbits(40)  # noqa: S311


def sampled(cases: dict[str, Case], count: int | None, group: Callable[[Case], str]) -> dict[str, Case]:
    """All cases, or a sample of them, which is the same each time and has cases from as many groups as possible."""
    if count is None or count >= len(cases):
        return cases
    order = random.Random(count)  # noqa: S311
    names = list(cases)
    order.shuffle(names)
    turn: dict[str, int] = {}
    ranked: list[tuple[int, str]] = []
    for name in names:
        kind = group(cases[name])
        turn[kind] = turn.get(kind, 0) + 1
        ranked.append((turn[kind], name))
    chosen = {name for _, name in sorted(ranked, key=lambda one: one[0])[:count]}
    return {name: case for name, case in cases.items() if name in chosen}


def listed_faults(outcomes: dict[str, Outcome]) -> Sequence[tuple[str, list[str]]]:
    return [(name, one["faults"]) for name, one in outcomes.items() if one.get("faults")]
