"""Damage at rest: every kind of file, with every damage, under every command that reads it, as a table.

A small real workspace is made once in `--folder`. Each case is a copy of it with one damaged file. The outcome of a
command is detected (D: one line that names the file and a fix), healed (H: the values are those of an undamaged run),
not read (-: the damage stays and the outcome is the same), taken as another input (I: a valid input of the user), or a
fault (F). A command may take 10 s and 2 GiB more than the same command with undamaged files. A healing command may take
as long as the making of the workspace. Finished cases are not run again: remove the folder to start from the beginning.
`--quick N` runs a sample and fails for a fault.
"""

import argparse
import fnmatch
import json
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from damage import DAMAGES, OF_LINKS, Impossible, Place, mark
from damage_commands import COMMANDS
from damage_judge import judged
from damage_page import write_page
from damage_places import KINDS, LEFT_OUT, TRAINING, Kind
from damage_state import State, points_of, state_of
from many_cases import Outcome, listed_faults, run_again_alone, run_all, sampled
from small_workspaces import (
    BEYOND_BYTES,
    BEYOND_S,
    CONTROL_LIMIT_BYTES,
    CONTROL_LIMIT_S,
    PARTS,
    kept_outcome,
    prepare,
)
from watched_commands import ROOT, Command, warm, watch
from watched_places import made_case

FOLDER = ROOT / "artifacts" / "damage_table"
PAGE = ROOT / "docs" / "reliability.md"


NO_KIND = Kind("nothing", "", ())


@dataclass(frozen=True)
class Case:
    """One damage to one file under one command, or no damage."""

    command: str
    origin: str
    kind: Kind = NO_KIND
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
    made_s = prepare(folder, PARTS)
    cases = {name: one for name, one in all_cases(folder).items() if fnmatch.fnmatch(name, options.only)}
    cases = sampled(cases, options.quick, lambda case: case.kind.name)
    controls = {f"undamaged: {name}": Case(name, str(folder)) for name in {case.command for case in cases.values()}}
    usual = run_all(controls, run_control, folder / "controls", options.at_once, again=True)
    broken = listed_faults(usual)
    if broken:
        print(*(f"{name}: {faults} {usual[name]}" for name, faults in broken), sep="\n")
        return 2
    for name, one in usual.items():
        one["made_s"] = made_s
        (folder / "controls" / f"{name.partition(': ')[2]}.json").write_text(json.dumps(one))
    outcomes = run_all(cases, run_case, folder / "cases", options.at_once)
    outcomes = run_again_alone(cases, outcomes, run_case, folder / "cases")
    faults = listed_faults(outcomes)
    print(*(f"{name}: {'; '.join(found)}" for name, found in faults), sep="\n")
    print(f"{len(outcomes)} cases, {len(faults)} faults")
    if options.quick is None and options.only == "*":
        write_page(
            PAGE, {name: (cases[name].kind, cases[name].damage, cases[name].command) for name in cases}, outcomes
        )
    return int(bool(faults))


def all_cases(folder: Path) -> dict[str, Case]:
    """The kind, the damage and the command of each case, by name."""
    trainings = sorted(folder.glob(TRAINING))
    of_training = [
        Kind(f"training {path.name}", path.relative_to(folder).as_posix(), ("resumed training",)) for path in trainings
    ]
    found = {}
    for kind in (*KINDS, *of_training):
        for damage in OF_LINKS if kind.name.endswith("(link)") else DAMAGES:
            for command in kind.commands:
                if damage not in LEFT_OUT.get(command, ()):
                    found[f"{kind.name} × {damage} × {command}"] = Case(command, str(folder), kind, damage)
    return found


def laid_out(case: Case, folder: Path) -> Path:
    """The case's own copies, which share no file with the original."""
    made_case(folder)
    for name in PARTS:
        shutil.copytree(Path(case.origin) / name, folder / name, symlinks=True)
    return folder


def originals(case: Case) -> list[Path]:
    """The paths that a copy must not use."""
    return [Path(case.origin) / name for name in PARTS]


def run_control(case: Case, folder: Path) -> Outcome:
    """The command with undamaged files: its time, memory and outcome, with the earlier points."""
    before = points_of(laid_out(case, folder))
    seen = watch(folder, COMMANDS[case.command](folder), CONTROL_LIMIT_S, CONTROL_LIMIT_BYTES, originals(case))
    state = state_of(folder, seen, None)
    for name, points in state.points.items():
        points[:] = [point for point in points if point in before.get(name, ())]
    faults = [] if seen.code == 0 or seen.follows_load else [f"code {seen.code}: {seen.err}"]
    faults += [f"broken: {name}" for name in state.broken]
    return {"seen": asdict(seen), "state": asdict(state), "faults": faults}


def run_case(case: Case, folder: Path) -> Outcome:
    """Damages a file, runs the command and judges the outcome."""
    usual = json.loads((Path(case.origin) / "controls" / f"{case.command}.json").read_text())
    laid_out(case, folder)
    command = COMMANDS[case.command](folder)
    found = sorted(folder.glob(case.kind.pattern))
    if not found:
        return {"verdict": "", "faults": [], "skipped": "no such file was made"}
    path = found[case.kind.which]
    others = [one for one in found if one != path]
    place = Place(path, others[0] if others else None, folder / "precious" / "file")
    real = path if path.is_symlink() or not path.exists() else path.resolve()
    known_as = by_the_link(real, folder / "base" / "repository")
    try:
        DAMAGES[case.damage](Place(real, place.other, place.protected))
    except Impossible as reason:
        return {"verdict": "", "faults": [], "skipped": str(reason)}
    before = mark(real)
    command = Command(**{**vars(command), "reads_all": case.damage != "unreadable"})
    seen = watch(folder, command, *limits(usual), originals(case))
    stays = mark(known_as) == before
    after = state_of(folder, seen, real if stays else None)
    usual_state = State(**usual["state"])
    must = case.command in case.kind.must
    allowed_s = usual["seen"]["seconds"] + BEYOND_S, limits(usual)[0]
    verdict = judged(seen, path, stays, must, after, usual_state, allowed_s, case.kind)
    return {"verdict": verdict.verdict, "faults": list(verdict.faults), **kept_outcome(seen)}


def by_the_link(path: Path, root: Path) -> Path:
    """The path through the link to the repository, which a new publication turns to another folder."""
    inside = root.is_symlink() and path.is_relative_to(root.resolve())
    return root / path.relative_to(root.resolve()) if inside else path


def limits(usual: Outcome) -> tuple[float, int]:
    """The seconds and bytes at which a command is ended; healing may take as long as making."""
    seconds = usual["seen"]["seconds"] + BEYOND_S + usual["made_s"]
    return seconds, usual["seen"]["peak_bytes"] + BEYOND_BYTES


if __name__ == "__main__":
    sys.exit(main())
