"""Devices, the most items that each processes by a deadline, and the schedule of a plan."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from orchestrators.planners.common import MS_PER_S, PlanBase, unique
from profiler.records.base import Value
from profiler.records.fit import Fit

# A plan names each device.
MOST_IDENTICAL = 10_000


class Choice(NamedTuple):
    """A batch size, the number of runs after the warm-up run, and the end of the last one."""

    batch: int
    runs: int
    finish_s: float

    @property
    def items(self) -> int:
        """The number of items that the device processes."""
        return (self.runs + 1) * self.batch


class Device(Value):
    """A device: a batch takes `seconds_per_item` · batch + `overhead_s`, and the first one `warm_up_s`(batch).

    The load of the model takes `load_s` before the first batch, 0 for a loaded model. `warm_up_s` may be a published
    fit over the batch, in ms. `max_runs` limits the runs after the warm-up run; `None` is no limit. With a `count` the
    entry stands for as many identical devices, `name`-1, `name`-2 and so on.
    """

    name: str
    count: int | None = Field(default=None, ge=1, le=MOST_IDENTICAL)
    load_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    seconds_per_item: float = Field(ge=0)
    overhead_s: float
    warm_up_s: Callable[[int], float] | Fit
    max_batch: int = Field(ge=1)
    max_runs: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def every_batch_takes_time(self) -> Self:
        """Raises `ValueError` where a batch takes no time, or a warm-up is negative or infinite."""
        if self.batch_s(1) <= 0:
            raise ValueError(
                f"a batch of 1 takes {self.batch_s(1):g} s on {self.name}: seconds_per_item + overhead_s must exceed 0"
            )
        for batch in range(1, self.max_batch + 1):
            first_s = self.first_s(batch)
            if not 0 <= first_s < math.inf:
                raise ValueError(
                    f"{self.name} warms up in {first_s:g} s at batch {batch}: warm_up_s must give 0 or more for every "
                    f"batch up to max_batch {self.max_batch}"
                )
        return self

    @property
    def names(self) -> list[str]:
        """The names of all devices of this entry."""
        return [self.name] if self.count is None else [f"{self.name}-{number}" for number in range(1, self.count + 1)]

    def batch_s(self, batch: int) -> float:
        """L: the time of one batch after the first, in s."""
        return self.seconds_per_item * batch + self.overhead_s

    def first_s(self, batch: int) -> float:
        """W: the time of the first batch, in s."""
        if isinstance(self.warm_up_s, Fit):
            return self.warm_up_s.at(batch=batch) / MS_PER_S
        return float(self.warm_up_s(batch))

    def ready_s(self, batch: int) -> float:
        """The end of the first batch after the load, in s."""
        return self.load_s + self.first_s(batch)

    def finish_s(self, batch: int, runs: int) -> float:
        """The end of the last run after the warm-up run, in s."""
        return self.ready_s(batch) + runs * self.batch_s(batch)

    def choice(self, batch: int, runs: int) -> Choice:
        """The choice of this batch and number of runs, with its finish time."""
        return Choice(batch, runs, self.finish_s(batch, runs))

    def runs_by(self, batch: int, deadline_s: float) -> int | None:
        """The most runs after the warm-up run by the deadline; `None` where the warm-up ends later."""
        ready_s = self.ready_s(batch)
        if ready_s > deadline_s:
            return None
        runs = math.floor((deadline_s - ready_s) / self.batch_s(batch))
        # Rounding may move the quotient across a whole number, in both directions.
        runs += self.finish_s(batch, runs + 1) <= deadline_s
        runs -= self.finish_s(batch, runs) > deadline_s
        return runs if self.max_runs is None else min(runs, self.max_runs)


def most(device: Device, deadline_s: float) -> Choice | None:
    """The choice with the most items by the deadline; `None` where the device cannot warm up.

    Of equal choices it is the one that ends first, then that of the smaller batch. For a batch size the most runs give
    the most items, so that trying every batch size is exact.
    """
    found = []
    for batch in range(1, device.max_batch + 1):
        runs = device.runs_by(batch, deadline_s)
        if runs is not None:
            found.append(device.choice(batch, runs))
    return min(found, key=lambda choice: (-choice.items, choice.finish_s, choice.batch), default=None)


def finished(devices: Sequence[Device], deadline_s: float) -> dict[str, Choice]:
    """The best choice of each device by name, without devices that cannot warm up by the deadline.

    Identical devices have one choice, which is searched once.
    """
    found = [(device, most(device, deadline_s)) for device in devices]
    return {name: choice for device, choice in found if choice is not None for name in device.names}


def rounded_up(seconds: float) -> str:
    """The time in s as text, rounded up to a millisecond: a deadline that is long enough."""
    whole = math.ceil(MS_PER_S * seconds)
    return f"{(whole if whole / MS_PER_S >= seconds else whole + 1) / MS_PER_S:.3f}"


NO_DEVICES = "there are no devices: give at least one"


class Devices(Value):
    """The available devices, and the deadline of their work."""

    devices: list[Device]
    deadline_s: float = Field(gt=0)

    @field_validator("devices")
    @classmethod
    def named_once(cls, devices: list[Device]) -> list[Device]:
        """The devices; raises `ValueError` where two of them have one name, also a name with a number."""
        unique("devices", (name for device in devices for name in device.names))
        return devices


class Schedule(PlanBase):
    """The number of used devices, and by their names the batch, the runs after the warm-up run, and the end.

    `items` is the number of processed items, (runs + 1) · batch of each device.
    """

    devices_used: int
    batch: dict[str, int]
    runs: dict[str, int]
    finish_s: dict[str, float]
    items: int
    objective: float

    @classmethod
    def of(cls, choices: Mapping[str, Choice], objective: float, **more: Any) -> Self:
        """The schedule that gives each device its choice; `more` holds the fields of a derived plan."""
        return cls(
            devices_used=len(choices),
            batch={name: choice.batch for name, choice in choices.items()},
            runs={name: choice.runs for name, choice in choices.items()},
            finish_s={name: choice.finish_s for name, choice in choices.items()},
            items=sum(choice.items for choice in choices.values()),
            objective=objective,
            **more,
        )
