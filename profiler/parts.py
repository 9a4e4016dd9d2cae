"""The parts of a profile, in the order of their worth: a budget that ends early ends with the last ones."""

import importlib
from dataclasses import dataclass
from typing import Any

from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Tasks
from profiler.target.model_under_test import Subject


@dataclass(frozen=True)
class Part:
    """`profiler.measure.<module>.tasks` measures it, under the settings of the level's field of the same name."""

    name: str
    title: str

    def tasks(self, subject: Subject, settings: Any, ledger: Ledger) -> Tasks:
        module = importlib.import_module(f"profiler.measure.{self.name}")
        tasks: Tasks = module.tasks(subject, settings, ledger)
        return tasks


PARTS = (
    Part("latency", "latency"),
    Part("throughput", "maximal throughput"),
    Part("warm_up", "load and warm-up"),
    Part("memory", "memory"),
    Part("scaling", "cores and instances"),
    Part("capacity", "capacity under a deadline"),
    Part("contention", "contention"),
    Part("repeats", "repeats"),
)
