"""The command monitor: records the state of the machine, of a process with its children, and of the GPUs."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from porting.common.console import say, table
from profiler.common.errors import BadInputError
from profiler.system.monitor.monitor import Snapshot, snapshots
from profiler.system.processes import tree


def seconds(text: str) -> float:
    """The time of an argument in s; raises `ValueError` for one that is not above 0."""
    if not (value := float(text)) > 0:
        raise ValueError(text)
    return value


def run(arguments: Sequence[str]) -> None:
    """Records the monitor's features of a process and its children, a line of JSON for each snapshot."""
    parser = argparse.ArgumentParser(prog="dnn-porting monitor", description=run.__doc__)
    parser.add_argument("pid", type=int, metavar="PID")
    parser.add_argument("--seconds", type=seconds, default=10.0, help="the time of the record (default: %(default)s)")
    parser.add_argument("--period", type=seconds, default=1.0, help="s between two snapshots (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("monitor.jsonl"), help="default: %(default)s")
    options = parser.parse_args(arguments)
    if options.pid <= 0 or not tree(options.pid):
        raise BadInputError(f"no process has the number {options.pid}: give that of a running one, as ps prints it")
    if options.period > options.seconds:
        raise BadInputError(f"--period {options.period:g} is longer than --seconds {options.seconds:g}: shorten it")
    found: list[Snapshot] = []
    # Each line is written at once, so an interrupted record has the snapshots until then.
    with options.output.open("w") as file:
        for snapshot in snapshots(lambda: tree(options.pid), options.period, options.seconds):
            file.write(f"{snapshot.model_dump_json()}\n")
            file.flush()
            found.append(snapshot)
    if not found:
        raise BadInputError(f"process {options.pid} ended within {options.period:g} s: give a shorter --period")
    show(found)
    say(f"as JSON   {options.output}")


def show(found: Sequence[Snapshot]) -> None:
    """Prints the range of each known feature, and the number of unknown ones with the reasons."""
    values = {name: [one.features.get(name) for one in found] for name in found[-1].features}
    known = {name: [one for one in row if one is not None] for name, row in values.items()}
    rows = [[name, f"{min(row):.6g}", f"{max(row):.6g}", f"{row[-1]:.6g}"] for name, row in known.items() if row]
    table(f"{len(found)} snapshots", ["feature", "least", "most", "last"], rows)
    missing = sum(not row for row in known.values())
    if missing:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in found[-1].state.reasons.items())
        say(f"{missing} features are unknown ({reasons or 'the file has the reasons'})")
