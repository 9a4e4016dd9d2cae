"""Soft real-time inference: the fewest devices that finish the items by the deadline."""

import random
import re
from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

import pytest
from made_devices import apart, everything, program, random_devices
from made_tasks import TARGET

from orchestrators import Infeasible
from orchestrators.planners.devices import Choice
from orchestrators.planners.devices.problem import Device
from orchestrators.planners.devices.soft_realtime import Problem, from_repository, solve
from orchestrators.solver import Row, minimise
from porting.repository import Repository


def gpu(name: str = "gpu0", **changes: Any) -> Device:
    """An image in 2.2 ms and 42.7 ms a batch."""
    values = {"seconds_per_item": 0.0022, "overhead_s": 0.0427, "warm_up_s": lambda batch: 0.926 + 0.0055 * batch}
    return Device.model_validate({"name": name} | values | {"max_batch": 64, "max_runs": 1000} | changes)


def test_one_device_finishes_1363_items_in_6_86_seconds() -> None:
    # The most by then are batches of 64: the first after 1.278 s, then 30 more in 0.1835 s each, 1984 items.
    # The first to have done 1363 is batch 62: 22 batches are 1364 items, after 1.267 + 21 * 0.1791 = 5.0281 s.
    plan = solve(Problem(devices=[gpu()], deadline_s=6.86, items=1363))
    assert (plan.devices_used, plan.batch, plan.runs, plan.items) == (1, {"gpu0": 62}, {"gpu0": 21}, 1364)
    assert plan.finish_s["gpu0"] == pytest.approx(5.0281)
    assert plan.objective == 1


def test_a_second_device_is_used_from_the_1985th_item_on() -> None:
    devices = [gpu(), gpu("gpu1")]
    assert [solve(Problem(devices=devices, deadline_s=6.86, items=n)).devices_used for n in (1984, 1985)] == [1, 2]


def test_the_devices_that_do_the_most_are_used() -> None:
    devices = [gpu("small", max_batch=8), gpu("large"), gpu("middle", max_batch=32)]
    assert list(solve(Problem(devices=devices, deadline_s=6.86, items=1900)).batch) == ["large"]
    assert list(solve(Problem(devices=devices, deadline_s=6.86, items=2500)).batch) == ["large", "middle"]


def test_an_unused_device_constrains_nothing() -> None:
    # Literally every device must warm up in time.
    plan = solve(Problem(devices=[gpu("slow", warm_up_s=lambda batch: 60), gpu()], deadline_s=6.86, items=1363))
    assert (plan.devices_used, list(plan.runs)) == (1, ["gpu0"])


def test_devices_share_the_items_so_that_the_last_is_done_as_soon_as_can_be() -> None:
    # Each does a batch of 2 every second from 1 s on: 8 items of two devices are there after 2 s.
    devices = [gpu(n, seconds_per_item=0, overhead_s=1, warm_up_s=lambda batch: 1, max_batch=2) for n in ("a", "b")]
    plan = solve(Problem(devices=devices, deadline_s=3, items=8))
    assert (plan.devices_used, plan.runs, plan.finish_s) == (2, {"a": 1, "b": 1}, {"a": 2, "b": 2})


def test_runs_that_are_not_needed_are_dropped() -> None:
    devices = [gpu(n, seconds_per_item=0, overhead_s=1, warm_up_s=lambda batch: 1, max_batch=2) for n in ("a", "b")]
    plan = solve(Problem(devices=devices, deadline_s=3, items=9))
    # After 3 s they would have done 12.
    assert (plan.runs, plan.items) == ({"a": 1, "b": 2}, 10)


def test_of_runs_that_are_not_needed_those_of_the_largest_batch_are_dropped_first() -> None:
    devices = [
        gpu(f"by {batch}", seconds_per_item=0, overhead_s=1, warm_up_s=lambda one: 1, max_batch=batch)
        for batch in (2, 3)
    ]
    plan = solve(Problem(devices=devices, deadline_s=3, items=12))
    # After 3 s they would have done 6 and 9, after 2 s no more than 10.
    assert (plan.runs, plan.items) == ({"by 2": 2, "by 3": 1}, 12)


def test_too_many_items_are_named_with_what_is_done_and_the_deadline_that_would_do() -> None:
    message = (
        r"1 device\(s\) finish at most 1984 of 2000 items in 6.86 s: a deadline of 6\.893 s would do, or more devices"
    )
    with pytest.raises(Infeasible, match=message):
        solve(Problem(devices=[gpu()], deadline_s=6.86, items=2000))
    # Batch 63: 32 batches are 2016 items, after 1.2725 + 31 * 0.1813 s.
    assert solve(Problem(devices=[gpu()], deadline_s=6.893, items=2000)).items == 2016


def test_where_no_deadline_would_do_the_bounds_are_named() -> None:
    message = r"finish at most 192 of 193 items in 6\.86 s, and 192 in any time, for max_runs and max_batch end there"
    with pytest.raises(Infeasible, match=message):
        solve(Problem(devices=[gpu(max_runs=2)], deadline_s=6.86, items=193))
    with pytest.raises(Infeasible, match="finish at most 64 of 65 items"):
        solve(Problem(devices=[gpu(max_runs=0)], deadline_s=6.86, items=65))


def test_the_plan_is_what_enumeration_and_the_integer_program_find() -> None:
    dice = random.Random(6)  # noqa: S311
    seen = []
    for _ in range(300):
        problem = random_problem(dice)
        possible = {device.name: everything(device, problem.deadline_s) for device in problem.devices}
        expected = enumerated(possible, problem.items)
        assert expected == least(problem)
        seen.append(expected)
        if expected is None:
            with pytest.raises(Infeasible):
                solve(problem)
            continue
        plan = solve(problem)
        assert plan.devices_used == len(plan.batch) == expected
        kept = [Choice(plan.batch[name], plan.runs[name], plan.finish_s[name]) for name in plan.batch]
        assert all(one in possible[name] for name, one in zip(plan.batch, kept, strict=True))
        assert plan.items == sum(one.items for one in kept) >= problem.items
        assert max(plan.finish_s.values()) == earliest_s([possible[name] for name in plan.batch], problem.items)
        assert all(plan.items - plan.batch[name] < problem.items for name, runs in plan.runs.items() if runs)
    assert {None, 1, 2, 3} == set(seen)


def test_of_identical_devices_the_fewest_are_used_as_enumeration_finds() -> None:
    dice = random.Random(9)  # noqa: S311
    seen = set()
    for _ in range(150):
        devices = [one.model_copy(update={"count": dice.choice([None, 1, 2])}) for one in random_devices(dice, most=2)]
        problem = Problem(devices=devices, deadline_s=dice.randint(8, 60) / 8, items=dice.randint(1, 20))
        single = problem.model_copy(update={"devices": apart(devices)})
        expected = enumerated({one.name: everything(one, problem.deadline_s) for one in single.devices}, problem.items)
        seen.add(expected)
        if expected is None:
            with pytest.raises(Infeasible):
                solve(problem)
            continue
        plan = solve(problem)
        assert plan.devices_used == expected
        assert plan == solve(single)
    assert {None, 1, 2} <= seen


def test_identical_devices_are_used_from_the_first_number_on() -> None:
    plan = solve(Problem(devices=[gpu("gpu", count=1000)], deadline_s=6.86, items=5000))
    # One finishes 1984 items by then.
    assert list(plan.batch) == ["gpu-1", "gpu-2", "gpu-3"]
    assert plan.devices_used == plan.objective == 3
    with pytest.raises(Infeasible, match=r"2 device\(s\) finish at most 3968 of 5000 items"):
        solve(Problem(devices=[gpu("gpu", count=2)], deadline_s=6.86, items=5000))


def test_a_device_loads_before_it_warms_up() -> None:
    loaded, cold = (solve(Problem(devices=[gpu(load_s=load_s)], deadline_s=9, items=1363)) for load_s in (0, 1.5))
    assert (cold.batch, cold.runs) == (loaded.batch, loaded.runs)
    assert cold.finish_s["gpu0"] == pytest.approx(loaded.finish_s["gpu0"] + 1.5)


def test_the_deadline_that_would_do_is_the_least_one() -> None:
    dice = random.Random(7)  # noqa: S311
    found = 0
    while found < 50:
        problem = random_problem(dice)
        try:
            solve(problem)
        except Infeasible as error:
            if match := re.search(r"a deadline of ([0-9.]+) s would do", str(error)):
                enough_s = float(match[1])
                assert solve(problem.model_copy(update={"deadline_s": enough_s})).items >= problem.items
                with pytest.raises(Infeasible):
                    solve(problem.model_copy(update={"deadline_s": enough_s - 0.002}))
                found += 1
    assert found == 50


def random_problem(dice: random.Random) -> Problem:
    return Problem(devices=random_devices(dice), deadline_s=dice.randint(4, 60) / 8, items=dice.randint(1, 20))


def enumerated(possible: dict[str, list[Choice]], items: int) -> int | None:
    """The size of the smallest set of devices that finishes the items."""
    for count in range(1, len(possible) + 1):
        for used in combinations(possible.values(), count):
            if any(sum(one.items for one in choices) >= items for choices in product(*used)):
                return count
    return None


def earliest_s(used: Sequence[list[Choice]], items: int) -> float:
    return min(
        max(one.finish_s for one in choices) for choices in product(*used) if sum(one.items for one in choices) >= items
    )


def least(problem: Problem) -> int | None:
    """The fewest devices by the integer program."""
    items, rows, upper = program(problem.devices, problem.deadline_s)
    enough = Row(dict(enumerate(items)), low=problem.items)
    found = minimise([1.0, 0.0] * (len(items) // 2), [*rows, enough], upper, [True] * len(items))
    return None if found is None else round(sum(found[::2]))


def test_the_targets_of_a_repository_are_the_devices(tasks: Repository) -> None:
    problem = from_repository(tasks, variant="digits-middle-0000000b", deadline_s=60, items=1000)
    assert (solve(problem).devices_used, list(solve(problem).batch)) == (1, [TARGET])


@pytest.mark.parametrize("devices", [[gpu()], []])
def test_no_items_use_no_device(devices: list[Device]) -> None:
    plan = solve(Problem(devices=devices, deadline_s=1, items=0))
    assert (plan.devices_used, plan.items, plan.objective) == (0, 0, 0)
    assert plan.batch == plan.runs == plan.finish_s == {}


def test_fewer_items_than_none_are_refused() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        Problem(devices=[gpu()], deadline_s=1, items=-1)


def test_items_without_devices_are_infeasible() -> None:
    with pytest.raises(Infeasible, match="there are no devices: give at least one"):
        solve(Problem(devices=[], deadline_s=1, items=1))
