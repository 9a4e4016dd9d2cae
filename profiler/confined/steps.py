"""A confined process that says what it does next has time and memory for that; elsewhere nothing is said."""

import json
import os
from dataclasses import asdict

from profiler.confined.protocol import GO, STEP, Step, write_all

_channels: list[tuple[int, int]] = []


def tell(results: int, orders: int) -> None:
    """Steps are said through the first descriptor from now on, and the second says when they may begin."""
    _channels.append((results, orders))


def next_step(step: Step) -> None:
    """What was begun before is done."""
    for results, orders in _channels:
        write_all(results, STEP + json.dumps(asdict(step)).encode() + b"\n")
        os.read(orders, len(GO))
