"""Damage at rest: every kind of file, damaged in every way, under every command that reads it, as a table.

A small real workspace is made once in `--folder`; each case is a copy of it in which one file is damaged. What a
command makes of it is detected (D: one line that names the file and a fix), healed (H: the values are again those of
an undamaged run), not read (-: the damage stays and the outcome is the same), taken as it is (I: an input of the user's that is valid), or a fault (F). A command may take 10 s
and 2 GiB more than the same one over undamaged files, and as long as the workspace took to make where it heals.
Finished cases are not run again: remove the folder to start anew. `--quick N` runs a sample and fails on a fault.
"""

import argparse
import fnmatch
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from damage import DAMAGES, OF_LINKS, Impossible, Place, mark
from damage_commands import COMMANDS, TRACE, cut_arguments, operators_arguments, staged
from damage_judge import judged
from damage_page import write_page
from damage_places import DAMAGES_OF_SLOW, KINDS, SLOW, TRAINING, Kind
from damage_state import State, state_of
from many_cases import Outcome, listed_faults, run_all, sampled
from watched import ROOT, Command, Seen, made_case, warm, watch

FOLDER = ROOT / "artifacts" / "damage_table"
PAGE = ROOT / "docs" / "reliability.md"
BEYOND_S, BEYOND_BYTES = 10.0, 2 << 30
CONTROL_LIMIT_S, CONTROL_LIMIT_BYTES = 300.0, 6 << 30
# The best and the last checkpoint of the first epoch, and one more.
WRITTEN_BY_THE_SECOND_EPOCH = 3
PARTS = ("base", "other", "box", "cut", "wide")


@dataclass(frozen=True)
class Case:
    """One damage to one file under one command; without a kind nothing is damaged."""

    command: str
    origin: str
    kind: Kind | None = None
    damage: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--quick", type=int, metavar="N", help="a sample of so many cases, and no page")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="of the names kind × damage × command")
    parser.add_argument("--at-once", type=int, default=2)
    options = parser.parse_args()
    folder = options.folder.resolve()
    warm()
    made_s = prepare(folder)
    cases = {name: one for name, one in all_cases(folder).items() if fnmatch.fnmatch(name, options.only)}
    cases = sampled(cases, options.quick, lambda case: case.kind.name if case.kind else "")
    controls = {f"undamaged: {name}": Case(name, str(folder)) for name in {case.command for case in cases.values()}}
    usual = run_all(controls, run_control, folder / "controls", options.at_once)
    broken = listed_faults(usual)
    if broken:
        print(*(f"{name}: {faults} {usual[name]}" for name, faults in broken), sep="\n")
        return 2
    for name, one in usual.items():
        one["made_s"] = made_s
        (folder / "controls" / f"{name.partition(': ')[2]}.json").write_text(json.dumps(one))
    outcomes = run_all(cases, run_case, folder / "cases", options.at_once)
    faults = listed_faults(outcomes)
    print(*(f"{name}: {'; '.join(found)}" for name, found in faults), sep="\n")
    print(f"{len(outcomes)} cases, {len(faults)} faults")
    if options.quick is None and options.only == "*":
        write_page(PAGE, {name: (cases[name].kind, cases[name].damage, cases[name].command) for name in cases}, outcomes)
    return int(bool(faults))


def all_cases(folder: Path) -> dict[str, Case]:
    """By name: kind, damage and command."""
    trainings = sorted(folder.glob(TRAINING))
    of_training = [
        Kind(f"training {path.name}", path.relative_to(folder).as_posix(), ("resumed training",)) for path in trainings
    ]
    found = {}
    for kind in (*KINDS, *of_training):
        for damage in OF_LINKS if kind.name.endswith("(link)") else DAMAGES:
            for command in kind.commands:
                if command not in SLOW or damage in DAMAGES_OF_SLOW:
                    found[f"{kind.name} × {damage} × {command}"] = Case(command, str(folder), kind, damage)
    return found


def prepare(folder: Path) -> float:
    """Makes the workspaces, once; how long the first one took, in s."""
    done = folder / "made.json"
    if not done.exists():
        for name in PARTS:
            shutil.rmtree(folder / name, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        run_plainly(folder, staged("all", tracked=True)(folder))
        seconds = time.monotonic() - began
        shutil.copytree(folder / "base", folder / "other", symlinks=True)
        run_plainly(folder, Command(operators_arguments(folder, "[train,prune]", 0.6)))
        make_box(folder)
        cut_training(folder / "cut")
        done.write_text(json.dumps(seconds))
    return float(json.loads(done.read_text()))


def run_plainly(folder: Path, command: Command) -> None:
    """In a process of its own, with all imports; raises `CalledProcessError` where it fails."""
    subprocess.run([sys.executable, "-m", command.module, *command.arguments], cwd=folder, check=True, env=plainly())


def plainly() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def make_box(folder: Path) -> None:
    """A published network, the request for it, its profile, and a trace."""
    box = folder / "box"
    box.mkdir()
    shutil.copy(min(folder.glob("base/repository/*/[0-9]*/model.onnx")), box / "model.onnx")
    overrides = [one for one in staged("all")(folder).arguments if one.startswith(("profile.", "targets."))]
    run_plainly(folder, Command(["request", *overrides, "--output", str(box / "request.json")]))
    words = [str(box / "model.onnx"), str(box / "request.json"), "--output", str(box / "profile.json")]
    run_plainly(folder, Command(words, module="profiler"))
    (box / "requests.txt").write_text(TRACE)


def cut_training(workspace: Path) -> None:
    """A training that is killed after its second epoch."""
    process = subprocess.Popen(
        [sys.executable, "-m", "porting", *cut_arguments(workspace), "tracking.enabled=false"], env=plainly()
    )
    written: set[tuple[Path, int]] = set()
    while process.poll() is None and len(written) < WRITTEN_BY_THE_SECOND_EPOCH:
        for path in workspace.glob("tasks/*/trainings/*/[!.]*"):
            # It may have been replaced by now.
            with suppress(FileNotFoundError):
                written.add((path, path.stat().st_mtime_ns))
        time.sleep(0.002)
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if not list(workspace.glob("tasks/*/trainings/*/*")):
        raise RuntimeError("the training ended before it could be killed")


def laid_out(case: Case, folder: Path) -> Path:
    """The case's own copies; nothing is shared with the original."""
    made_case(folder)
    for name in PARTS:
        shutil.copytree(Path(case.origin) / name, folder / name, symlinks=True)
    return folder


def originals(case: Case) -> list[Path]:
    """What a copy must have nothing to do with."""
    return [Path(case.origin) / name for name in PARTS]


def run_control(case: Case, folder: Path) -> Outcome:
    """The command over undamaged files: its time, memory and outcome."""
    laid_out(case, folder)
    seen = watch(folder, COMMANDS[case.command](folder), CONTROL_LIMIT_S, CONTROL_LIMIT_BYTES, originals(case))
    state = state_of(folder, seen, None)
    faults = [] if seen.code == 0 or "figures moved" in seen.err else [f"code {seen.code}: {seen.err}"]
    faults += [f"broken: {name}" for name in state.broken]
    return {"seen": asdict(seen), "state": asdict(state), "faults": faults}


def run_case(case: Case, folder: Path) -> Outcome:
    """Damages, runs, judges."""
    assert case.kind is not None
    usual = json.loads((Path(case.origin) / "controls" / f"{case.command}.json").read_text())
    laid_out(case, folder)
    command = COMMANDS[case.command](folder)
    found = sorted(folder.glob(case.kind.pattern))
    if not found:
        return {"verdict": "", "skipped": "no such file was made"}
    path = found[case.kind.which]
    others = [one for one in found if one != path]
    place = Place(path, others[0] if others else None, folder / "precious" / "file")
    real = path if path.is_symlink() or not path.exists() else path.resolve()
    try:
        DAMAGES[case.damage](Place(real, place.other, place.precious))
    except Impossible as reason:
        return {"verdict": "", "skipped": str(reason)}
    before = mark(real)
    command = Command(**{**vars(command), "reads_all": case.damage != "unreadable"})
    seen = watch(folder, command, *limits(usual), originals(case))
    after = state_of(folder, seen, real if mark(real) == before else None)
    usual_state = State(**usual["state"])
    must = case.command in case.kind.must
    allowed_s = usual["seen"]["seconds"] + BEYOND_S
    verdict = judged(seen, path, mark(real) == before, must, after, usual_state, allowed_s, case.kind)
    return {"verdict": verdict.verdict, "faults": list(verdict.faults), **told(seen)}


def limits(usual: Outcome) -> tuple[float, int]:
    """Seconds and bytes at which a command is ended; to heal may take as long as to make."""
    seconds = usual["seen"]["seconds"] + BEYOND_S + usual["made_s"]
    return seconds, usual["seen"]["peak_bytes"] + BEYOND_BYTES


def told(seen: Seen) -> Outcome:
    """What is kept of a run."""
    return {"code": seen.code, "seconds": round(seen.seconds, 2), "mib": seen.peak_bytes >> 20, "err": seen.err[-1500:],
            "out": seen.out[-300:]}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
