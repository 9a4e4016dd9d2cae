"""The fluid model against the events on a slice of a fleet, and where the answer is known."""

import numpy as np
import pytest
from made_tasks import TARGET
from made_variants import TASK, Made, deployment
from numpy.typing import NDArray

from orchestrators.policies import Mechanism
from orchestrators.policies.planned import Planned
from orchestrators.simulation import Box, Result, Settings, simulate
from orchestrators.simulation.fleet import FleetSettings, fleet
from orchestrators.simulation.fluid import longer_than, ramp_above
from orchestrators.simulation.ladder import Ladder, Rung
from orchestrators.variant import catalogue
from porting.repository import Repository
from profiler.common.errors import BadInputError

SERVERS, SECONDS, INTERVAL_S = 8, 630, 10


class Highest:
    """Of the last seconds."""

    def forecast(self, demand_rps_so_far: NDArray[np.float64], horizon_s: int) -> float:
        return float(demand_rps_so_far[-horizon_s:].max())


def counts(mean_rps: float, swing: float, seed: int = 1) -> NDArray[np.float64]:
    """Requests by second and server: Poisson around waves of their own."""
    generator = np.random.default_rng(seed)
    phases = generator.uniform(0, 2 * np.pi, SERVERS)
    rates_rps = mean_rps * (1 + swing * np.sin(np.arange(SECONDS)[:, None] / 100 + phases))
    return generator.poisson(rates_rps).astype(float)


def by_events(
    tasks: Repository, ladder: Ladder, sent: NDArray[np.float64], box_cores: float, deadline_ms: float
) -> list[Result]:
    """Each server by itself, its requests anywhere in their seconds."""
    generator, found = np.random.default_rng(2), []
    variants = catalogue(tasks, [TASK], TARGET)
    for server, column in enumerate(sent.T):
        begins_s = np.repeat(np.arange(SECONDS), column.astype(int))
        moments_s = np.sort(begins_s + generator.random(len(begins_s)))
        policy = Planned({TASK: ladder.plan}, Mechanism(INTERVAL_S), Highest(), {TASK: column[0]}, {})
        asked = Settings(seconds=SECONDS, deadline_ms=deadline_ms, seed=server)
        found.append(simulate(variants, {TASK: moments_s}, policy, Box(cores=box_cores), asked))
    return found


def rungs(tasks: Repository, use: float, batch: int = 1) -> Ladder:
    variants = catalogue(tasks, [TASK], TARGET)
    return Ladder([Rung(deployment(name, batch=batch), one, use) for (_, name), one in variants.items()])


@pytest.mark.parametrize(
    ("mean_rps", "swing", "use", "batch", "box_cores", "deadline_ms"),
    [
        (60, 0.9, 0.6, 1, 1, 400),
        (60, 0.9, 0.95, 1, 1, 400),
        (60, 0.9, 0.8, 1, 1, 100),
        (60, 0.9, 0.8, 1, 2, 50),
        (150, 0.9, 0.8, 8, 1, 400),
        (700, 0.1, 0.8, 1, 1, 400),
    ],
)
def test_the_fluid_model_agrees_with_the_events(
    tasks: Repository, mean_rps: float, swing: float, use: float, batch: int, box_cores: float, deadline_ms: float
) -> None:
    """Within half a point of accuracy and share in time, 2 points of CPU and 2 % of the cores; the same switches."""
    ladder, sent = rungs(tasks, use, batch), counts(mean_rps, swing)
    events = by_events(tasks, ladder, sent, box_cores, deadline_ms)
    settings = FleetSettings(box_cores=box_cores, deadline_ms=deadline_ms, interval_s=INTERVAL_S)
    found = fleet(ladder, sent, settings)
    weights = [one.all_tasks.sent for one in events]

    def mean(name: str) -> float:
        return float(np.average([getattr(one.all_tasks, name) for one in events], weights=weights))

    assert found.sent == sum(weights)
    assert found.in_time_share == pytest.approx(mean("in_time_share"), abs=0.005)
    assert found.accuracy == pytest.approx(mean("accuracy"), abs=0.005)
    assert found.effective_accuracy == pytest.approx(mean("effective_accuracy"), abs=0.005)
    assert found.cpu_share == pytest.approx(np.mean([one.cpu_share for one in events]), abs=0.02)
    assert found.held_core_s == pytest.approx(sum(one.held_core_s for one in events), rel=0.02)
    assert found.switches == sum(one.all_tasks.switches for one in events)


def test_servers_with_more_to_do_than_they_can_are_as_late_as_the_events_say(tasks: Repository) -> None:
    """Within three points where most is late: what waits at a switch stays with the old variant there."""
    ladder, sent = rungs(tasks, 0.8), counts(500, 0.9)
    events = by_events(tasks, ladder, sent, 1, 400)
    found = fleet(ladder, sent, FleetSettings(box_cores=1, deadline_ms=400, interval_s=INTERVAL_S))
    in_time = sum(one.all_tasks.sent - one.all_tasks.late - one.all_tasks.lost for one in events)
    assert 0.1 < found.in_time_share < 0.5
    assert found.in_time_share == pytest.approx(in_time / found.sent, abs=0.03)


def test_what_is_above_all_rungs_waits() -> None:
    ladder = Ladder([Rung(deployment("one"), Made(fixed_s=0.1), use=0.8)])
    found = fleet(ladder, np.full((10, 3), 25.0), FleetSettings(box_cores=1, deadline_ms=1000, interval_s=5))
    assert found.waiting == pytest.approx(3 * 10 * 15)
    assert found.cpu_share == pytest.approx(1)
    # The backlog reaches 0.9 s of work in the first second, after which everybody waits too long.
    assert found.in_time_share == pytest.approx(0.9 / 1.5 / 10, abs=0.01)


def test_figures_by_second_and_by_server_add_up_to_the_whole() -> None:
    ladder = Ladder([Rung(deployment("large"), Made(accuracy=0.9, fixed_s=0.05), 0.8),
                     Rung(deployment("small"), Made(accuracy=0.6, fixed_s=0.005), 0.8)])  # fmt: skip
    sent = np.tile([5.0, 100.0], (20, 1))
    found = fleet(ladder, sent, FleetSettings(box_cores=1, deadline_ms=400, interval_s=5))
    assert found.accuracy_by_server == pytest.approx([0.9, 0.6])
    assert found.accuracy == pytest.approx((5 * 0.9 + 100 * 0.6) / 105)
    assert found.demand_rps == (105.0,) * 20
    assert found.cpu_share_by_second == pytest.approx([(0.25 + 0.5) / 2] * 20)


def test_the_rung_before_answers_until_the_next_is_up() -> None:
    ladder = Ladder([Rung(deployment("large"), Made(accuracy=0.9, fixed_s=0.05), 0.8),
                     Rung(deployment("small"), Made(accuracy=0.6, fixed_s=0.005, loads_s=1.25), 0.8)])  # fmt: skip
    sent = np.array([[8.0]] * 5 + [[17.0]] * 15)
    found = fleet(ladder, sent, FleetSettings(box_cores=4, deadline_ms=400, interval_s=5))
    assert found.accuracy_by_second == pytest.approx([0.9] * 11 + [0.25 * 0.9 + 0.75 * 0.6] + [0.6] * 8)
    # Two rungs hold their cores while one of them loads.
    assert found.held_core_s == pytest.approx(20 + 1.25)
    assert found.switches == 1


def test_nothing_to_simulate_is_refused() -> None:
    ladder = Ladder([Rung(deployment("one"), Made(), 0.8)])
    settings = FleetSettings(box_cores=1, deadline_ms=100, interval_s=5)
    for nothing in (np.empty((0, 3)), np.zeros((5, 3))):
        with pytest.raises(BadInputError, match="counts of no second, or of no request"):
            fleet(ladder, nothing, settings)


def test_rungs_that_do_not_rise_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"limits \[160.*, 16.*\] requests/s: .* each for more"):
        Ladder(
            [Rung(deployment("small"), Made(fixed_s=0.005), 0.8), Rung(deployment("large"), Made(fixed_s=0.05), 0.8)]
        )


def test_the_share_of_a_ramp_above_a_limit() -> None:
    limit, first, last = np.full(5, 1.0), np.array([0.0, 2.0, 0.0, 1.5, 1.5]), np.array([2.0, 0.0, 0.5, 1.5, 3.0])
    assert ramp_above(limit, first, last).tolist() == [0.5, 0.5, 0, 1, 1]


def test_crowding_is_that_of_a_reflected_random_walk() -> None:
    """Work of steps of ± a millisecond's spread, reflected at nothing, after a second."""
    generator, steps, load, work_s = np.random.default_rng(0), 1000, 0.95, 0.01
    walks = generator.normal((load - 1) / steps, np.sqrt(load * work_s / steps), (5000, steps)).cumsum(axis=1)
    waits_s = walks[:, -1] - np.minimum(walks.min(axis=1), 0)
    limits_s = np.array([0.03, 0.1, 0.2])
    expected = [(waits_s > limit_s).mean() for limit_s in limits_s]
    assert longer_than(limits_s, np.full(3, load), np.full(3, work_s)) == pytest.approx(expected, abs=0.03)
