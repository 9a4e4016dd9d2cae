"""The event core against closed forms of queueing theory, and against a plain simulation of it."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from made_variants import GENEROUS_S, poisson
from numpy.typing import NDArray

from orchestrators.simulation.station import Station, normals, sampled

REQUESTS, RATE_RPS = 400_000, 100.0
BATCHES = 50


def station(service: Callable[[int], float], servers: int = 1, batch: int = 1) -> Station:
    made = Station(service, batch, cores=1.0)
    for _ in range(servers):
        made.join(0.0)
    return made


def served(made: Station, moments_s: NDArray[np.float64], step_s: float = GENEROUS_S) -> NDArray[np.float64]:
    """The moment of each answer, with the arrivals in steps."""
    first = 0
    for end_s in np.arange(step_s, moments_s[-1] + 2 * step_s, step_s):
        last = int(np.searchsorted(moments_s, end_s))
        made.take(np.arange(first, last), moments_s[first:last])
        made.serve(float(end_s))
        first = last
    made.serve(GENEROUS_S)
    requests, ended_s = made.answers()
    assert (requests == np.arange(len(moments_s))).all()
    return ended_s


def mean_with_error(values: NDArray[np.float64]) -> tuple[float, float]:
    """The mean and its standard error, from means of long stretches as neighbours wait alike."""
    means = np.array([one.mean() for one in np.array_split(values, BATCHES)])
    return float(values.mean()), float(means.std(ddof=1) / math.sqrt(BATCHES))


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_one_server_of_constant_time_waits_as_pollaczek_and_khinchine_say(load: float) -> None:
    service_s = load / RATE_RPS
    moments_s = poisson(RATE_RPS, REQUESTS // int(RATE_RPS), seed=1)
    wait_s, error_s = mean_with_error(served(station(lambda _: service_s), moments_s) - moments_s - service_s)
    assert wait_s == pytest.approx(load * service_s / (2 * (1 - load)), abs=4 * error_s)


def test_one_server_of_scattered_times_waits_as_pollaczek_and_khinchine_say() -> None:
    median_s, spread = 0.006, 0.5
    moments_s = poisson(RATE_RPS, REQUESTS // int(RATE_RPS), seed=2)
    made = station(sampled([0.0, median_s], spread, normals(np.random.default_rng(0))))
    response_s, error_s = mean_with_error(served(made, moments_s) - moments_s)
    mean_s, square = median_s * math.exp(spread**2 / 2), median_s**2 * math.exp(2 * spread**2)
    waits_s = RATE_RPS * square / (2 * (1 - RATE_RPS * mean_s))
    assert response_s == pytest.approx(mean_s + waits_s, abs=4 * error_s)


@pytest.mark.parametrize("servers", [1, 2, 5])
def test_servers_of_exponential_times_keep_waiting_as_erlang_says(servers: int) -> None:
    load, generator = 0.8, np.random.default_rng(3)
    service_s = servers * load / RATE_RPS
    moments_s = poisson(RATE_RPS, REQUESTS // int(RATE_RPS), seed=4)
    times_s = iter(generator.exponential(service_s, len(moments_s)).tolist())
    response_s, error_s = mean_with_error(served(station(lambda _: next(times_s), servers), moments_s) - moments_s)
    offered = servers * load
    last = offered**servers / math.factorial(servers) / (1 - load)
    waits = last / (sum(offered**k / math.factorial(k) for k in range(servers)) + last)
    expected_s = service_s + waits * service_s / (servers * (1 - load))
    assert response_s == pytest.approx(expected_s, abs=4 * error_s)


def plain(
    moments_s: list[float], service: Callable[[int], float], servers: int, batch: int
) -> tuple[list[float], list[tuple[float, float]]]:
    """The same queue with nothing clever: the first free server takes what waits. Answers, and who was busy when."""
    free, waiting, ended_s, busy = [0.0] * servers, list(moments_s), [], []
    while waiting:
        server = free.index(min(free))
        start = max(free[server], waiting[0])
        taken = [moment for moment in waiting[:batch] if moment <= start]
        free[server] = start + service(len(taken))
        busy.append((start, free[server]))
        ended_s += [free[server]] * len(taken)
        waiting = waiting[len(taken) :]
    return ended_s, busy


@pytest.mark.parametrize("seed", range(40))
def test_any_queue_goes_as_the_plain_simulation_of_it(seed: int) -> None:
    generator = np.random.default_rng(seed)
    servers, batch = int(generator.integers(1, 5)), int(generator.integers(1, 9))
    # Rounded, so that many come at once.
    moments_s = poisson(60, 10, seed).round(int(generator.integers(1, 4)))
    fixed_s, each_s = generator.uniform(0.001, 0.05, 2)

    def service(size: int) -> float:
        return float(fixed_s + each_s * size)

    ended_s = served(station(service, servers, batch), moments_s, step_s=0.37)
    assert ended_s.tolist() == pytest.approx(plain(moments_s.tolist(), service, servers, batch)[0])


def test_a_free_server_takes_what_waits_up_to_its_batch() -> None:
    made = station(float, batch=4)
    moments_s = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 9.0])
    assert served(made, moments_s).tolist() == [1.0, 5.0, 5.0, 5.0, 5.0, 6.0, 10.0]


def test_busy_time_is_counted_in_the_stretch_where_it_passes() -> None:
    generator = np.random.default_rng(5)
    moments_s, lengths_s = poisson(5, 100, seed=5), generator.uniform(0.1, 3.0, 1000)
    made = station(lambda _: next(lengths), servers=3)
    lengths = iter(lengths_s.tolist())
    made.take(np.arange(len(moments_s)), moments_s)
    edges_s = np.arange(1.0, 150.0)
    times_s = [made.serve(float(end_s)) for end_s in edges_s]
    again = iter(lengths_s.tolist())
    _, busy = plain(moments_s.tolist(), lambda _: next(again), servers=3, batch=1)
    expected = [sum(max(0.0, min(e, end) - max(s, end - 1)) for s, e in busy) for end in edges_s]
    assert times_s == pytest.approx(expected)


def test_a_server_that_leaves_finishes_and_begins_nothing() -> None:
    made = station(lambda _: 2.0, servers=2)
    made.take(np.arange(4), np.array([0.0, 0.5, 1.0, 1.0]))
    assert made.serve(1.0) == pytest.approx(1.5)
    made.leave(1, 1.0)
    # One until 2 s and again from there, the other until 2.5 s.
    assert made.serve(2.25) == pytest.approx(2 * 1.25)
    assert made.held == 2
    assert made.serve(3.0) == pytest.approx(0.75 + 0.25)
    assert made.held == 1
    made.serve(GENEROUS_S)
    assert made.answers()[1].tolist() == [2.0, 2.5, 4.0, 6.0]


def test_a_slowed_batch_takes_longer() -> None:
    made = station(lambda _: 1.0)
    made.take(np.arange(2), np.array([0.0, 0.0]))
    assert made.serve(1.0, slow=2.0) == 1.0
    made.serve(GENEROUS_S)
    assert made.answers()[1].tolist() == [2.0, 3.0]
