"""What a plan over devices says, and what it is asked of."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, field_validator

from orchestrators.devices.device import Choice, Device
from profiler.records.base import Value

NO_DEVICES = "there are no devices: give at least one"


class Devices(Value):
    """The devices that there are, and the seconds within which all must be done; without devices nothing is."""

    devices: list[Device]
    deadline_s: float = Field(gt=0)

    @field_validator("devices")
    @classmethod
    def each_once(cls, value: list[Device]) -> list[Device]:
        names = [device.name for device in value]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"several devices are named {', '.join(repeated)}: give each a name of its own")
        return value


class Schedule(Value):
    """How many devices are used, and by the names of those the batch, the runs after the warm-up run, and the end.

    `items` are all that are done, (runs + 1) · batch of each device.
    """

    devices_used: int
    batch: dict[str, int]
    runs: dict[str, int]
    finish_s: dict[str, float]
    items: int
    objective: float

    @classmethod
    def of(cls, choices: Mapping[str, Choice], objective: float, **more: Any) -> Self:
        return cls(
            devices_used=len(choices),
            batch={name: choice.batch for name, choice in choices.items()},
            runs={name: choice.runs for name, choice in choices.items()},
            finish_s={name: choice.finish_s for name, choice in choices.items()},
            items=sum(choice.items for choice in choices.values()),
            objective=objective,
            **more,
        )
