"""Hostile inputs at every door: ONNX, TorchScript, checkpoints, records, repositories, names, pictures, stores.

Each input is laid out and given to the commands that read it. A command has a fault where it ends with a trace, with
more than one line of error or with control characters, takes 10 s or 2 GiB more than with a good input, runs code of
the input, writes elsewhere, asks the network for a name, or leaves something behind. Finished runs are not done again:
remove the folder to start from the beginning. `--quick N` runs a sample. The exit code is 1 for a fault.
"""

import argparse
import fnmatch
import importlib
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from damage_judge import PREFIXES, general_faults
from hostile.door import RAN, Door, Input
from many_cases import Outcome, listed_faults, run_again_alone, run_all, sampled
from small_workspaces import BEYOND_BYTES, BEYOND_S, CONTROL_LIMIT_BYTES, CONTROL_LIMIT_S, kept_outcome, prepare
from watched_commands import ROOT, Seen, warm, watch
from watched_places import made_case

FOLDER = ROOT / "artifacts" / "hostile_inputs"
MODULES = (
    "onnx_files", "programs", "checkpoints", "requests", "profiles", "traces", "records", "databases", "repositories",
    "unpublished", "names", "pictures", "stores",
)  # fmt: skip
PARTS = ("base", "box")


@dataclass(frozen=True)
class Case:
    """One input under one command; `good` is the door's own good input."""

    origin: str
    door: Door
    command: str
    input: Input | None

    @property
    def input_name(self) -> str:
        return self.input.name if self.input else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--quick", type=int, metavar="N", help="a sample of so many runs")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="of the names door: input × command")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--commands", type=int, default=2, metavar="N", help="for each input, in turns; 0: all of them")
    parser.add_argument("--list", action="store_true", help="say how many there are, and run nothing")
    options = parser.parse_args()
    folder = options.folder.resolve()
    warm(["PIL.Image"])
    doors = [door for name in MODULES for door in found_in(name)]
    cases = {
        name: case
        for name, case in all_cases(doors, folder, options.commands).items()
        if fnmatch.fnmatchcase(name, options.only)
    }
    cases = sampled(cases, options.quick, lambda case: case.door.name)
    if options.list:
        print(counted(cases))
        return 0
    prepare(folder, PARTS)
    controls = {
        f"good {case.door.name} × {case.command}": Case(case.origin, case.door, case.command, None)
        for case in cases.values()
    }
    usual = run_all(controls, run_control, folder / "controls", options.at_once, again=True)
    if broken := listed_faults(usual):
        print(*(f"{name}: {faults} {usual[name]}" for name, faults in broken), sep="\n")
        return 2
    (folder / "usual.json").write_text(json.dumps(usual))
    outcomes = run_all(cases, run_case, folder / "cases", options.at_once)
    outcomes = run_again_alone(cases, outcomes, run_case, folder / "cases")
    print(*(f"{name}: {'; '.join(found)}" for name, found in listed_faults(outcomes)), sep="\n")
    print(table(cases, outcomes))
    return int(bool(listed_faults(outcomes)))


def found_in(module: str) -> list[Door]:
    return [value for value in vars(importlib.import_module(f"hostile.{module}")).values() if isinstance(value, Door)]


def all_cases(doors: list[Door], folder: Path, most: int) -> dict[str, Case]:
    """Every input under a limited number of its commands, which take turns."""
    found, turn = {}, 0
    for door in doors:
        for one in door.inputs:
            count = min(most or len(one.commands), len(one.commands))
            for index in range(count):
                command = one.commands[(turn + index) % len(one.commands)]
                found[f"{door.name}: {one.name} × {command}"] = Case(str(folder), door, command, one)
            turn += count
    return found


def counted(cases: dict[str, Case]) -> str:
    inputs = Counter(door for door, _ in {(case.door.name, case.input.name) for case in cases.values() if case.input})
    return f"{sum(inputs.values())} inputs, {len(cases)} runs: {dict(inputs)}"


def table(cases: dict[str, Case], outcomes: dict[str, Outcome]) -> str:
    """The inputs, the runs and their outcomes, by door."""
    lines = [f"{'door':24}{'inputs':>8}{'runs':>8}{'refused':>9}{'taken':>8}{'faults':>8}"]
    rows: dict[str, list[str]] = {}
    for name, case in cases.items():
        for door in (case.door.name, "all"):
            rows.setdefault(door, []).append(name)
    for door, names in sorted(rows.items(), key=lambda row: row[0] == "all"):
        inputs = {(cases[name].door.name, cases[name].input_name) for name in names}
        faults = sum(bool(outcomes[name]["faults"]) for name in names)
        taken = sum(outcomes[name].get("code") == 0 and not outcomes[name]["faults"] for name in names)
        lines.append(f"{door:24}{len(inputs):>8}{len(names):>8}{len(names) - faults - taken:>9}{taken:>8}{faults:>8}")
    return "\n".join(lines)


def laid_out(case: Case, folder: Path) -> Path:
    """The folder of a case with its input, made in a process of its own because the maker may start threads."""
    made_case(folder)
    for name in case.door.parts:
        shutil.copytree(Path(case.origin) / name, folder / name, symlinks=True)
    put = case.input.put if case.input else case.door.good
    in_a_child(lambda: put(folder))
    return folder


def in_a_child(work: Callable[[], object]) -> None:
    """Does the work in a child process; raises `RuntimeError` where it fails."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("the input could not be made")


def run_control(case: Case, folder: Path) -> Outcome:
    """The command with a good input: its time and memory."""
    laid_out(case, folder)
    command = case.door.commands[case.command](folder)
    seen = watch(folder, command, CONTROL_LIMIT_S, CONTROL_LIMIT_BYTES, hidden(case))
    faults = [] if seen.code == 0 or seen.follows_load else [f"code {seen.code}: {seen.err}"]
    return {"seen": asdict(seen), "faults": faults}


def run_case(case: Case, folder: Path) -> Outcome:
    usual = json.loads((Path(case.origin) / "usual.json").read_text())[f"good {case.door.name} × {case.command}"][
        "seen"
    ]
    laid_out(case, folder)
    waits_s = case.input.waits_s if case.input else 0.0
    limit_s, limit_bytes = usual["seconds"] + BEYOND_S + waits_s, usual["peak_bytes"] + BEYOND_BYTES
    command = case.door.commands[case.command](folder)
    seen = watch(folder, command, limit_s, limit_bytes, hidden(case))
    faults = general_faults(seen, limit_s) + lines_of_error(seen)
    faults += [f"ran what the input says: {path.relative_to(folder)}" for path in ran(folder)]
    return {"faults": faults, **kept_outcome(seen)}


def lines_of_error(seen: Seen) -> list[str]:
    """The fault of several lines, or of a failed command without a line of the project; none after an end by force."""
    if seen.ended_by or (seen.code == 0 and len(seen.lines) < 2):
        return []
    if len(seen.lines) != 1:
        return [f"{len(seen.lines)} lines of error"]
    return [] if seen.lines[0].startswith(PREFIXES) else ["an error that is not ours"]


def ran(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(RAN) if path.is_file()]


def hidden(case: Case) -> list[Path]:
    """The originals of the copies in a case."""
    return [Path(case.origin) / name for name in PARTS]


if __name__ == "__main__":
    sys.exit(main())
