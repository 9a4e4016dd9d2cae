"""Random devices, all their possible choices, and their rows in an integer program."""

import random
from collections.abc import Callable, Sequence

from orchestrators.planners.devices import Choice, Device
from orchestrators.solver import Row


def warm_up(first_s: Sequence[float]) -> Callable[[int], float]:
    """The time in s of the first inference by its batch, from 1 on."""
    return lambda batch: first_s[batch - 1]


def random_devices(dice: random.Random, most: int = 3) -> list[Device]:
    """Times in eighths of a second: sums are exact, and deadlines are often met to the point.

    Warm-ups go up and down with the batch.
    """
    found = []
    for number in range(dice.randint(1, most)):
        first_s = [dice.randint(1, 24) / 8 for _ in range(3)]
        found.append(
            Device(
                name=f"gpu{number}",
                load_s=dice.randint(0, 8) / 8,
                seconds_per_item=dice.randint(0, 8) / 8,
                overhead_s=dice.randint(1, 8) / 8,
                warm_up_s=warm_up(first_s),
                max_batch=dice.randint(1, 3),
                max_runs=dice.randint(0, 3),
            )
        )
    return found


def apart(devices: Sequence[Device]) -> list[Device]:
    """Each of the identical devices as an entry of its own."""
    return [device.model_copy(update={"name": name, "count": None}) for device in devices for name in device.names]


def everything(device: Device, deadline_s: float) -> list[Choice]:
    """Every batch size and number of runs that ends by the deadline."""
    warm_s = device.warm_up_s
    assert callable(warm_s)
    assert device.max_runs is not None
    return [
        Choice(batch, runs, end_s)
        for batch in range(1, device.max_batch + 1)
        for runs in range(device.max_runs + 1)
        if (end_s := device.load_s + warm_s(batch) + runs * (device.seconds_per_item * batch + device.overhead_s))
        <= deadline_s
    ]


def program(devices: list[Device], deadline_s: float) -> tuple[list[int], list[Row], list[float]]:
    """For each device and batch size a binary and its runs: how many items either does, rows, and upper bounds."""
    places = [(device, batch) for device in devices for batch in range(1, device.max_batch + 1)]
    rows = [
        Row({2 * number: 1 for number, (owner, _) in enumerate(places) if owner is device}, high=1)
        for device in devices
    ]
    upper: list[float] = []
    for number, (device, batch) in enumerate(places):
        use, runs = 2 * number, 2 * number + 1
        assert device.max_runs is not None
        rows.append(Row({use: device.load_s + device.first_s(batch) - deadline_s, runs: device.batch_s(batch)}, high=0))
        rows.append(Row({use: -device.max_runs, runs: 1}, high=0))
        upper += [1, device.max_runs]
    return [batch for _, batch in places for _ in range(2)], rows, upper
