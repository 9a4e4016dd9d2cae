"""The moments of a kill: random ones, and ones with half-done work."""

import random
import signal
import time
from dataclasses import replace
from pathlib import Path

from killed_runs import Kill


def aimed(temporary: Path) -> list[Kill]:
    """The moments with half-done work."""
    begun: list[float] = []

    def migrating() -> bool:
        if not begun and any(path.stat().st_size for path in temporary.glob("dnn-porting-scratch-mlflow-*/mlflow.db")):
            begun.append(time.monotonic())
        return bool(begun) and time.monotonic() - begun[0] > 0.5

    def replaced(what: str, end: str, first: bool = False) -> list[Kill]:
        moments = (("before", 0), ("after", 1))
        return [
            Kill(f"aimed {word} {what}", before=("os.rename", end), later=one, first=first) for word, one in moments
        ]

    return [
        Kill("aimed into the first migration", seen=migrating, first=True),
        *replaced("a checkpoint's rename", ".ckpt"),
        *replaced("the variant's rename", "variants/digits-resnet8"),
        *replaced("publish's swap", ".repository-link"),
        *replaced("mlflow.db's rename", "mlflow.db", first=True),
    ]


def at_random(seconds: float, changes: int, draw: random.Random) -> Kill:
    """Half of the kills are at a random time, and half directly before a random change of a file."""
    if draw.random() < 0.5:
        return Kill("SIGKILL before a change of a file", change=draw.randrange(max(1, changes)) + 1)
    how = draw.choice(
        [
            Kill("SIGKILL"),
            Kill("SIGKILL"),
            Kill("SIGKILL to the group", group=True),
            Kill("SIGTERM", number=signal.SIGTERM),
        ]
    )
    return replace(how, seconds=draw.uniform(0, seconds))
