"""A point that has no figure, and why."""

from typing import Literal

from pydantic import JsonValue

from profiler.records.base import Record

Why = Literal["failed", "out of budget", "too long", "unavailable"]


class Missing(Record):
    """What was planned and has no figure; a later run measures it, unless it is `too long` for the level or
    `unavailable` on this machine.

    `point` names the kind of record that is missing and `at` its identity.
    """

    part: str
    point: str
    at: dict[str, JsonValue]
    verdict: Why
    reason: str
