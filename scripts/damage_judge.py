"""The outcome of a command with a damaged file: detected, healed, not read, or a fault."""

import re
from dataclasses import dataclass
from pathlib import Path

from damage_places import Kind
from damage_state import DAMAGED, State
from watched_commands import CONTROL, Seen

FIX = re.compile(
    r"\b(remove|run|give|make|publish|replace|correct|restore|write|set|choose|mend|wait|move|copy|delete|save|measure|"
    r"adopt|name|take|free|check|use|start|leave|add|fetch|put|holds|look|serve|export)\b",
    re.IGNORECASE,
)
PREFIXES = ("dnn-porting: ", "profiler: ")
DETECTED, HEALED, NOT_READ, TAKEN, FAULT = "D", "H", "-", "I", "F"


@dataclass(frozen=True)
class Judged:
    """One letter, and the description of a fault."""

    verdict: str
    faults: tuple[str, ...] = ()


def judged(
    seen: Seen,
    damaged: Path,
    still_damaged: bool,
    must: bool,
    after: State,
    usual: State,
    limits_s: tuple[float, float],
    kind: Kind,
) -> Judged:
    """The verdict of a command; `usual` is the outcome of the same command without damage.

    With `must` the command must not ignore the damage. A valid `input` of the user cannot be known as damaged. A file
    that is `measured` again has other values. The first of the limits is for a command that heals nothing.
    """
    heals = not still_damaged and seen.code == 0
    faults = general_faults(seen, limits_s[heals])
    if seen.ended_by:
        return Judged(FAULT, tuple(faults))
    failed = seen.code != 0 and not seen.follows_load
    if failed:
        faults += faults_of_a_refusal(seen, damaged)
        return Judged(FAULT if faults else DETECTED, tuple(faults))
    if kind.input:
        return Judged(FAULT if faults else TAKEN, tuple(faults))
    output = f"{seen.out}\n{seen.err}"
    faults += [f"left out silently: {name}" for name in missing(after, usual) if name not in output]
    faults += [f"what is there does not hold: {name}" for name in after.broken]
    faults += mixed(after, usual)
    if left_out(output, damaged):
        return Judged(FAULT if faults else DETECTED, tuple(faults))
    if still_damaged:
        changed = differing(after.exact, usual.exact)
        faults += [f"used silently: {name} differs" for name in changed if comparable(seen, name)]
        faults += ["used or passed over silently"] if must else []
        return Judged(FAULT if faults else NOT_READ, tuple(faults))
    shared = set() if kind.measured else after.values.keys() & usual.values.keys()
    faults += [f"used silently: {name} differs" for name in sorted(shared) if after.values[name] != usual.values[name]]
    return Judged(FAULT if faults else HEALED, tuple(faults))


def left_out(output: str, damaged: Path) -> bool:
    """Whether a line reports that the variant of the damaged file is omitted, which changes the outcome."""
    lines = [line for line in output.splitlines() if "left out" in line]
    return any(name in line for line in lines for name in (damaged.parent.name, damaged.parent.parent.name))


def general_faults(seen: Seen, limit_s: float) -> list[str]:
    """The faults that do not depend on the end of the command."""
    faults = []
    if "Traceback (most recent call last)" in seen.err + seen.out:
        faults.append("traceback")
    if seen.ended_by:
        faults.append(f"ended by the limit of {seen.ended_by}")
    elif seen.seconds > limit_s:
        faults.append(f"took {seen.seconds:.0f} s")
    if seen.code < 0 and not seen.ended_by:
        faults.append(f"died of signal {-seen.code}")
    if CONTROL.search(seen.out + seen.err):
        faults.append("control characters on the terminal")
    faults += [f"touched {path}" for path in seen.outermost_touched()]
    faults += [f"left {name}" for name in seen.leftovers]
    faults += [f"asked the network for {name}" for name in sorted(set(seen.asked))]
    return faults


def faults_of_a_refusal(seen: Seen, damaged: Path) -> list[str]:
    """The faults of a refusal that is not one line with the file, or a folder of it, and a fix."""
    if len(seen.lines) != 1:
        return [f"{len(seen.lines)} lines of error"]
    (line,) = seen.lines
    faults = [] if line.startswith(PREFIXES) else ["an error that is not ours"]
    names = [damaged.name, damaged.parent.name, damaged.parent.parent.name, "/base/repository"]
    if not damaged.exists():
        names.append("/base")
    if not any(name in line for name in names):
        faults.append("names neither file nor folder")
    if not FIX.search(line.partition(": ")[2]):
        faults.append("names no fix")
    return faults


def missing(after: State, usual: State) -> list[str]:
    """The variants that are usually present, or published, and are missing."""
    gone = [name.rpartition("/")[2] for name in usual.values if name.startswith("record") and name not in after.values]
    for name, expected in usual.values.items():
        if name.startswith("published") and after.values.get(name) != DAMAGED:
            found = {one[0] for one in after.values.get(name) or []}
            gone += [one[0] for one in expected or [] if one[0] not in found]
    return gone


def mixed(after: State, usual: State) -> list[str]:
    """The profiles with both kept and changed points; a right profile keeps all points or none."""
    faults = []
    for name, points in usual.points.items():
        if name in after.points and name != "cwd/new.json":
            kept = sum(point in after.points[name] for point in points)
            if 0 < kept < len(points):
                faults.append(f"used silently: {len(points) - kept} of {len(points)} points of {name} differ")
    return faults


def differing(after: dict[str, object], usual: dict[str, object]) -> list[str]:
    """The differing values; nothing is known of the details of a damaged index."""
    unknown = {name.partition(" ")[2] for name, value in after.items() if value == DAMAGED}
    return sorted(
        name
        for name in after.keys() | usual.keys()
        if after.get(name) != usual.get(name) and not any(name.partition(" ")[2].startswith(one) for one in unknown)
    )


def comparable(seen: Seen, name: str) -> bool:
    """Whether that part of an outcome is the same each time, unlike a measured or sent value."""
    varies = re.search(r"measuring|made, \d+ reused|figures|driving ", seen.out + seen.err)
    return not (name in ("output", "files") and varies)
