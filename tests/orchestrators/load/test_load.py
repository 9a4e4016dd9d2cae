"""What clients are to send, task by task."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from orchestrators.load import Load, Steps
from profiler.common.errors import BadInputError

TASKS = ["bees", "digits"]


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "trace.txt"
    path.write_text("".join(f"{one}\n" for one in np.random.default_rng(0).poisson(30, 400)))
    return path


def test_without_a_trace_the_demand_is_constant() -> None:
    demands = Load(mean_rps=20, seconds=5).demands(TASKS)
    assert {task: one.tolist() for task, one in demands.items()} == dict.fromkeys(TASKS, [20.0] * 5)
    assert len(Load(mean_rps=20).demands(["bees"])["bees"]) == 600


def test_every_task_has_its_mean_warm_up_and_trend_included(trace: Path) -> None:
    load = Load(mean_rps={"bees": 40, "digits": 7}, seconds=300, trace=trace, warm_up_s=30, trend=0.5)
    demands = load.demands(TASKS)
    assert {task: one.mean() for task, one in demands.items()} == pytest.approx({"bees": 40, "digits": 7})
    assert demands["bees"][:5].mean() < 10


def test_without_a_mean_a_trace_keeps_its_own(trace: Path) -> None:
    whole = np.loadtxt(trace)
    np.testing.assert_allclose(Load(trace=trace).demands(["bees"])["bees"], whole)


def test_every_task_has_a_sample_and_a_trend_of_its_own(trace: Path) -> None:
    sampled = Load(mean_rps=50, seconds=300, trace=trace).demands(TASKS)
    assert np.corrcoef(sampled["bees"], sampled["digits"])[0, 1] < 0.2
    moving = Load(mean_rps=50, seconds=300, trend=0.9).demands(TASKS)
    assert np.abs(moving["bees"] - moving["digits"]).max() > 20


def test_more_of_a_trace_than_a_day_is_sent_only_where_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "month.txt"
    path.write_bytes(b"1\n" * 1_000_000)
    with pytest.raises(BadInputError, match="has 1000000 s, more than a day: give seconds"):
        Load(trace=path).demands(["bees"])
    assert len(Load(trace=path, seconds=90_000).demands(["bees"])["bees"]) == 90_000


def test_a_trend_goes_as_far_from_the_mean_as_is_said() -> None:
    demand = Load(mean_rps=1, seconds=200, trend=0.4, seed=3).demands(["bees"])["bees"]
    assert np.abs(demand / demand[0] - 1).max() == pytest.approx(0.4)


def test_steps_are_sent_by_every_task_at_moments_of_its_own() -> None:
    load = Load(steps=Steps(shape="linear", start_rps=5, growth_rps=10, step_s=2), seconds=5)
    demands = {task: one.tolist() for task, one in load.demands(TASKS).items()}
    assert demands == {"bees": [5, 5, 15, 15], "digits": [5, 5, 15, 15]}
    schedules = load.schedules(TASKS)
    assert schedules["bees"].tolist() != schedules["digits"].tolist()


def test_steps_beside_another_demand_are_refused(trace: Path) -> None:
    steps = Steps(shape="linear", start_rps=5, growth_rps=10, step_s=2)
    for more in ({"mean_rps": 3}, {"trace": trace}, {"warm_up_s": 2}, {"trend": 0.1}):
        with pytest.raises(ValidationError, match="steps are the whole demand: leave out"):
            Load.model_validate({"steps": steps, **more})


def test_the_same_seed_sends_the_same_and_another_something_else(trace: Path) -> None:
    def moments(seed: int) -> list[float]:
        load = Load(mean_rps=9, seconds=60, trace=trace, trend=0.3, seed=seed)
        return list(load.schedules(TASKS)["digits"])

    assert moments(1) == moments(1) != moments(2)


def test_no_task_of_one_seed_sends_what_another_task_of_the_next_seed_does(trace: Path) -> None:
    first, second = (Load(mean_rps=9, seconds=60, trace=trace, trend=0.3, seed=seed) for seed in (0, 1))
    assert first.demands(TASKS)["digits"].tolist() != second.demands(TASKS)["bees"].tolist()
    constant = [Load(mean_rps=9, seconds=60, seed=seed).schedules(TASKS) for seed in (0, 1)]
    assert constant[0]["digits"].tolist() != constant[1]["bees"].tolist()


def test_a_task_more_leaves_those_before_it_as_they_are(trace: Path) -> None:
    load = Load(mean_rps=9, seconds=60, trace=trace, trend=0.3)
    assert load.schedules([*TASKS, "cifar10"])["digits"].tolist() == load.schedules(TASKS)["digits"].tolist()


def test_what_cannot_be_sent_is_refused(trace: Path, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="no demand: give a trace, steps, or mean_rps"):
        Load(seconds=3)
    with pytest.raises(BadInputError, match="none for digits: give every task one"):
        Load(mean_rps={"bees": 3}, seconds=3).demands(TASKS)
    with pytest.raises(BadInputError, match=r"seconds=401: .*has 400, choose at most as many"):
        Load(trace=trace, seconds=401).demands(TASKS)
    with pytest.raises(BadInputError, match="warm_up_s=9: the demand lasts 5 s"):
        Load(mean_rps=1, seconds=5, warm_up_s=9, trend=0.5).demands(TASKS)
    silent = tmp_path / "silent.txt"
    silent.write_text("0\n0\n")
    with pytest.raises(BadInputError, match="a demand of 0 in all its 2 s"):
        Load(trace=silent).demands(TASKS)
