"""The place at which a point is measured."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from profiler.common.target import Resources

Source = Literal["served processes", "child process"]
PageCache = Literal["warm", "cold"]


class PlaceFields(TypedDict):
    """The place fields that every kind of point has."""

    runtime: str
    cores: float
    threads: int
    instances: int


def pixels(input_shape: tuple[int, ...]) -> int:
    """The height times the width of an input (C, H, W), the product of its last two axes."""
    return math.prod(input_shape[-2:])


@dataclass(frozen=True)
class Place:
    """The runtime that serves a model, its resources, and values on the axes of the kind of point, else defaults."""

    runtime: str
    resources: Resources
    batch: int = 0
    concurrency: int = 0
    input_shape: tuple[int, ...] = ()
    page_cache: PageCache | None = None
    source: Source | None = None
    limit_bytes: int | None = None
    load_share: float | None = None
    deadline_ms: float | None = None
    quantile: float | None = None
    share: float | None = None
    repeats: int = 0
    visit: int = 0

    def fields(self) -> PlaceFields:
        """The place fields of a record that every kind of point has."""
        one = self.resources
        return {"runtime": self.runtime, "cores": one.cores, "threads": one.threads, "instances": one.instances}

    def at(self, identity: Iterable[str]) -> dict[str, Any]:
        """The values of these fields of a record, by name."""
        values = {**vars(self), **self.fields()}
        return {name: values[name] for name in identity}
