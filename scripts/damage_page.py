"""docs/reliability.md: one table of kind, damage and command."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from damage import DAMAGES
from damage_places import LEFT_OUT, Kind
from many_cases import Outcome

from profiler.system.machine import cpu_model

HEAD = """# Damage at rest

The table has every kind of file of a workspace, of a published repository, and of a measurement on another box. Each
file gets every kind of damage, and every command that reads the file is run. `scripts/damage_table.py` makes this page:
the script damages one file of a copy of a small real workspace, runs the command, and judges the outcome.

| letter | meaning |
|---|---|
| D | detected: an exit code that is not 0, and one line that names the file or its folder and a fix |
| H | healed: exit code 0, and all records and the publication are those of an undamaged run |
| - | not read: exit code 0, the damage stays, and the outcome is that of an undamaged run |
| I | taken as another input: a valid input of the user without a stored digest |
| F | a fault: a file that is used or omitted without a message, a trace, a write through a link, more than 10 s or 2 GiB above the undamaged command, or leftovers |

A command that heals a file may take as long as the making of the workspace. *Unreadable* files have mode 0, which also
counts for root in these runs. A *link* leads to a file of another owner, which must not change.
"""  # noqa: E501


def write_page(path: Path, cases: Mapping[str, tuple[Kind, str, str]], outcomes: Mapping[str, Outcome]) -> None:
    """Writes one row for each kind and command, and one column for each damage."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for name, (kind, damage, command) in cases.items():
        rows.setdefault((kind.name, command), {})[damage] = outcomes[name]["verdict"]
    counts = Counter(one["verdict"] for one in outcomes.values())
    run = sum(counts[letter] for letter in "DH-IF")
    parts = [
        HEAD,
        f"On {cpu_model()}: {run} cases, {counts['D']} detected, {counts['H']} healed, {counts['-']} not read, "
        f"{counts['I']} taken as another input, {counts['F']} faults.",
        "",
        f"| file | command | {' | '.join(DAMAGES)} |",
        f"|---|---|{'---|' * len(DAMAGES)}",
        *(
            f"| {kind} | {command} | {' | '.join(found.get(damage, '') for damage in DAMAGES)} |"
            for (kind, command), found in rows.items()
        ),
        "",
        *faults_in_words(outcomes),
        *not_run(outcomes),
    ]
    path.write_text("\n".join(parts).rstrip() + "\n")


def faults_in_words(outcomes: Mapping[str, Outcome]) -> list[str]:
    """Every fault in a line."""
    found = [f"* {name}: {'; '.join(one['faults'])}" for name, one in outcomes.items() if one.get("faults")]
    return ["## Faults", "", *found, ""] if found else []


def not_run(outcomes: Mapping[str, Outcome]) -> list[str]:
    """The impossible cases with their reasons; their fields in the table are empty."""
    reasons: dict[str, list[str]] = {}
    for name, one in outcomes.items():
        if one.get("skipped"):
            reasons.setdefault(one["skipped"], []).append(name.rpartition(" × ")[0])
    to_save_time = [f"* {command}: {', '.join(damages)}, to save time." for command, damages in LEFT_OUT.items()]
    lines = [f"* {reason}: {', '.join(dict.fromkeys(names))}." for reason, names in reasons.items()]
    return ["## Not run", "", *to_save_time, "* A link has only the damages that are possible for a link.", *lines]
