"""Relaxed inference: the most items in a given time; and the devices, which soft real-time inference shares."""

import math
import random
from pathlib import Path
from typing import Any

import pytest
from full_profile import item
from made_devices import apart, everything, program, random_devices
from made_tasks import TARGET, first, latency, own_ms, planning_profile, predicted

from orchestrators import Infeasible
from orchestrators.planners.devices import most, rounded_up
from orchestrators.planners.devices.problem import Device
from orchestrators.planners.devices.relaxed import Problem, from_repository, solve
from orchestrators.solver import minimise
from porting.repository import Repository
from porting.repository.publishing.writer import publish
from profiler.common.errors import BadInputError

MIDDLE = "digits-middle-0000000b"


def gpu(name: str = "gpu0", **changes: Any) -> Device:
    values = {"seconds_per_item": 0.25, "overhead_s": 0.5, "warm_up_s": lambda batch: 2.0 + batch, "max_batch": 4}
    return Device.model_validate({"name": name} | values | changes)


def measured(folder: Path, **changes: Any) -> Repository:
    """A repository of one variant."""
    return publish(folder / "repository", [item(MIDDLE, planning_profile(240, **changes), folder)])


def test_a_device_takes_the_batch_that_does_the_most() -> None:
    # In 10 s: batch 1 warms up in 3 s and runs 9 times in .75 s; batch 2 in 4 s and 6 times in 1 s; batch 3 in 5 s and
    # 4 times in 1.25 s; batch 4 in 6 s and twice in 1.5 s. That is 10, 14, 15 and 12 items.
    plan = solve(Problem(devices=[gpu()], deadline_s=10))
    assert (plan.batch, plan.runs, plan.items) == ({"gpu0": 3}, {"gpu0": 4}, 15)
    assert plan.finish_s == {"gpu0": 10}
    assert plan.objective == 15


def test_of_equal_choices_the_one_that_ends_first_is_taken() -> None:
    # Both do 4 items: batch 2 at once and after a run of 1 s, batch 4 at once.
    def ends(twice_2_s: float, once_4_s: float) -> int:
        first_s = {1: 9, 2: twice_2_s - 1, 3: 9, 4: once_4_s}
        device = gpu(seconds_per_item=0, overhead_s=1, warm_up_s=lambda batch: first_s[batch], max_runs=1)
        return solve(Problem(devices=[device], deadline_s=3)).batch["gpu0"]

    assert ends(2.25, 2.5) == 2
    assert ends(2.5, 2.25) == 4
    assert ends(2.5, 2.5) == 2


def test_a_device_that_cannot_warm_up_in_time_is_left_out() -> None:
    plan = solve(Problem(devices=[gpu("slow", warm_up_s=lambda batch: 11), gpu("quick")], deadline_s=10))
    assert (plan.devices_used, plan.left_out, plan.items) == (1, ["slow"], 15)
    assert list(plan.batch) == list(plan.runs) == ["quick"]


def test_without_a_bound_runs_go_on_to_the_deadline() -> None:
    device = gpu(max_batch=1)
    assert solve(Problem(devices=[device], deadline_s=7503)).runs == {"gpu0": 10_000}
    assert solve(Problem(devices=[device.model_copy(update={"max_runs": 7})], deadline_s=7503)).runs == {"gpu0": 7}


def test_a_run_that_ends_at_the_deadline_is_in_time_however_the_quotient_is_rounded() -> None:
    device = gpu(seconds_per_item=0.1, overhead_s=0.1, warm_up_s=lambda batch: 0.1, max_batch=1)
    ends = [0.1 + runs * 0.2 for runs in range(1000)]
    rounded = [math.floor((end_s - 0.1) / 0.2) for end_s in ends]
    assert rounded != list(range(1000))
    for runs, end_s in enumerate(ends):
        assert solve(Problem(devices=[device], deadline_s=end_s)).runs == {"gpu0": runs}
        just_before_s = math.nextafter(end_s, 0)
        before = most(device, just_before_s)
        assert (None if before is None else before.runs) == (None if runs == 0 else runs - 1)


def test_where_no_device_warms_up_the_quickest_is_named() -> None:
    message = (
        r"no device warms up in 2\.5 s: quick is the quickest with batches of 1, and a deadline of 3\.000 s would do"
    )
    with pytest.raises(Infeasible, match=message):
        solve(Problem(devices=[gpu("slow", warm_up_s=lambda batch: 11), gpu("quick")], deadline_s=2.5))


def test_the_plan_is_what_enumeration_and_the_integer_program_find() -> None:
    dice = random.Random(5)  # noqa: S311
    infeasible = 0
    for _ in range(200):
        devices, deadline_s = random_devices(dice), dice.randint(4, 40) / 8
        possible = [everything(device, deadline_s) for device in devices]
        if not any(possible):
            infeasible += 1
            with pytest.raises(Infeasible):
                solve(Problem(devices=devices, deadline_s=deadline_s))
            continue
        plan = solve(Problem(devices=devices, deadline_s=deadline_s))
        assert plan.items == sum(max(one.items for one in choices) for choices in possible if choices)
        items, rows, upper = program(devices, deadline_s)
        found = minimise([-float(one) for one in items], rows, upper, [True] * len(items))
        assert found is not None
        assert plan.items == sum(one * value for one, value in zip(items, found, strict=True))
        assert all(end_s <= deadline_s for end_s in plan.finish_s.values())
        assert sorted([*plan.batch, *plan.left_out]) == [device.name for device in devices]
    assert 5 < infeasible < 100


def test_a_deadline_that_is_said_to_do_is_never_rounded_down() -> None:
    assert rounded_up(1.2341) == "1.235"
    just_over = [math.nextafter(milliseconds / 1e3, math.inf) for milliseconds in range(1, 2000)]
    assert all(float(rounded_up(seconds)) >= seconds for seconds in just_over)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"overhead_s": -0.25}, "a batch of 1 takes 0 s on gpu0"),
        ({"warm_up_s": lambda batch: 3.0 - batch}, "gpu0 warms up in -1 s at batch 4"),
        ({"warm_up_s": lambda batch: float("nan")}, "gpu0 warms up in nan s at batch 1"),
        ({"max_batch": 0}, "greater than or equal to 1"),
        ({"max_runs": -1}, "greater than or equal to 0"),
        ({"count": 0}, "greater than or equal to 1"),
        ({"load_s": -1}, "greater than or equal to 0"),
        ({"load_s": math.inf}, "finite number"),
    ],
)
def test_what_is_no_device_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gpu(**changes)


def test_devices_are_named_once() -> None:
    with pytest.raises(ValueError, match="devices named twice: gpu0"):
        Problem(devices=[gpu(), gpu()], deadline_s=1)
    with pytest.raises(ValueError, match="devices named twice: gpu0-2"):
        Problem(devices=[gpu(count=2), gpu("gpu0-2")], deadline_s=1)


def test_without_devices_no_plan_is_feasible(tasks: Repository) -> None:
    with pytest.raises(Infeasible, match="there are no devices: give at least one"):
        solve(Problem(devices=[], deadline_s=1))
    with pytest.raises(Infeasible, match="there are no devices"):
        solve(from_repository(tasks, variant=MIDDLE, deadline_s=60, targets=[]))


def test_a_target_is_a_device_by_its_fit_and_its_first_inferences(tasks: Repository) -> None:
    (device,) = from_repository(tasks, variant=MIDDLE, deadline_s=60).devices
    assert (device.name, device.max_batch, device.max_runs) == (TARGET, 16, None)
    assert device.batch_s(10) == pytest.approx(own_ms(240, 10, 1) / 1e3)
    assert device.first_s(8) == pytest.approx(3 * own_ms(240, 8, 1) / 1e3)
    assert device.first_s(6) == pytest.approx(3 * own_ms(240, 6, 1) / 1e3)


def test_a_minute_on_a_target(tasks: Repository) -> None:
    # An image takes 25 / 6 ms and a batch 1.35 ms more: the largest batch is best, 16 in 68.02 ms, the first in 204.05.
    plan = solve(from_repository(tasks, variant=MIDDLE, deadline_s=60, load=False))
    assert (plan.batch, plan.runs) == ({TARGET: 16}, {TARGET: 879})
    assert plan.items == 16 * 880


def test_the_published_load_time_is_among_the_costs_of_a_target(tasks: Repository) -> None:
    load_s = tasks.on(MIDDLE, TARGET).load_s()
    loaded, waiting = (from_repository(tasks, variant=MIDDLE, deadline_s=60, load=load) for load in (False, True))
    assert (loaded.devices[0].load_s, waiting.devices[0].load_s) == (0, load_s)
    assert solve(waiting).items < solve(loaded).items
    assert solve(waiting.model_copy(update={"deadline_s": 60 + load_s})).items == solve(loaded).items


def test_a_load_time_that_was_not_measured_is_said_with_what_measures_it(tmp_path: Path) -> None:
    repository = measured(tmp_path, load_time=[])
    with pytest.raises(BadInputError, match=r"has no load time: .* profile=full"):
        from_repository(repository, variant=MIDDLE, deadline_s=1)
    assert from_repository(repository, variant=MIDDLE, deadline_s=1, load=False).devices[0].load_s == 0


def test_a_time_that_was_not_measured_is_predicted_and_noted(tmp_path: Path) -> None:
    foretold = [predicted(7.0 * batch, batch) for batch in (2, 4, 8, 16)] + [predicted(500.0, None)]
    repository = measured(tmp_path, load_time=[], first_inference=[first(9.0, 1)], predicted=foretold)
    (device,) = from_repository(repository, variant=MIDDLE, deadline_s=60).devices
    assert (device.load_s, device.max_batch) == (0.5, 16)
    assert [device.first_s(batch) for batch in (1, 2, 3, 16)] == pytest.approx([0.009, 0.014, 0.021, 0.112])
    assert all("predicted (11% mean error on held-out variants)" in line for line in repository.predicted)
    assert len(repository.predicted) == 5


def test_a_measured_time_counts_before_a_predicted_one(tmp_path: Path) -> None:
    foretold = [predicted(7e3, 32), predicted(9e3, None)]
    repository = measured(tmp_path, predicted=foretold)
    (device,) = from_repository(repository, variant=MIDDLE, deadline_s=60).devices
    assert device.first_s(16) == pytest.approx(3 * own_ms(240, 16, 1) / 1e3)
    assert device.load_s == repository.on(MIDDLE, TARGET).load_s() < 1
    assert not repository.predicted


def test_a_target_may_stand_for_identical_devices(tasks: Repository) -> None:
    one = solve(from_repository(tasks, variant=MIDDLE, deadline_s=60))
    three = solve(from_repository(tasks, variant=MIDDLE, deadline_s=60, targets={TARGET: 3}))
    assert list(three.batch) == [f"{TARGET}-1", f"{TARGET}-2", f"{TARGET}-3"]
    assert three.items == 3 * one.items
    alone = from_repository(tasks, variant=MIDDLE, deadline_s=60, targets={TARGET: None})
    assert solve(alone) == one


def test_identical_devices_are_one_entry_that_plans_as_so_many_entries() -> None:
    dice = random.Random(8)  # noqa: S311
    for _ in range(100):
        devices = [one.model_copy(update={"count": dice.choice([None, 1, 2, 5])}) for one in random_devices(dice)]
        deadline_s = dice.randint(16, 40) / 8
        together, single = (Problem(devices=some, deadline_s=deadline_s) for some in (devices, apart(devices)))
        try:
            expected = solve(single)
        except Infeasible:
            with pytest.raises(Infeasible):
                solve(together)
            continue
        assert solve(together) == expected


def test_a_thousand_identical_devices_cost_one_search() -> None:
    searched = []

    def warm_up(batch: int) -> float:
        searched.append(batch)
        return 2.0 + batch

    devices = [gpu(warm_up_s=warm_up, count=1000)]
    searched.clear()
    assert solve(Problem(devices=devices, deadline_s=10)).items == 15_000
    assert len(searched) < 100


def test_a_device_loads_before_it_warms_up() -> None:
    # In 10 s after 2 s of load: as in 8 s. Batch 2 warms up in 4 s and runs 4 times, batch 3 in 5 s and twice.
    plan = solve(Problem(devices=[gpu(load_s=2)], deadline_s=10))
    assert (plan.batch, plan.runs, plan.items) == ({"gpu0": 2}, {"gpu0": 4}, 10)
    assert plan.finish_s == {"gpu0": 10}
    with pytest.raises(Infeasible, match=r"a deadline of 5\.000 s would do"):
        solve(Problem(devices=[gpu(load_s=2)], deadline_s=4))


def test_a_published_fit_may_be_the_warm_up(tasks: Repository) -> None:
    fit = next(fit for fit in tasks.on(MIDDLE, TARGET).profile.fits if fit.form == "linear in batch")
    assert gpu(warm_up_s=fit).first_s(4) == pytest.approx(fit.at(batch=4) / 1e3)


def test_the_fit_is_of_the_server_that_the_first_inferences_are_of(tmp_path: Path) -> None:
    own, served = ({"runtime": name, "cores": 1.0, "threads": 1} for name in ("onnxruntime", "triton"))
    points = [latency(0.1 * own_ms(100, batch, 1), batch, own) for batch in (1, 2, 4, 8, 16, 32)]
    points += [latency(own_ms(100, batch, 1), batch, served) for batch in (1, 4, 8)]
    (device,) = from_repository(measured(tmp_path, latency=points), variant=MIDDLE, deadline_s=1).devices
    assert device.batch_s(1) == pytest.approx(own_ms(100, 1, 1) / 1e3)
    assert device.max_batch == 8


def test_a_target_on_which_it_was_not_measured_is_refused(tasks: Repository) -> None:
    with pytest.raises(BadInputError, match=f"{MIDDLE} was not measured on 'jetson', only on {TARGET}"):
        from_repository(tasks, variant=MIDDLE, deadline_s=1, targets=[TARGET, "jetson"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first_inference": []}, "has no first inference after a load: .* profile=full"),
        ({"first_inference": [first(9.0, 1)]}, r"first inferences on 1 to 1, and both are needed .* profile=full"),
        ({"latency": planning_profile(240).latency[:6]}, r"no fit of the latency over the batch .*2 distinct value"),
    ],
)
def test_what_was_not_measured_is_said_with_what_measures_it(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        from_repository(measured(tmp_path, **changes), variant=MIDDLE, deadline_s=1)
