"""What planners read of a variant."""

from dataclasses import replace

import pytest
from made_tasks import TARGET, own_ms, reached

from orchestrators.family import batches, capacity_rps, cores, family, images_per_s, latency_ms, load_s
from porting.repository import Repository
from porting.repository.measured import Measured
from profiler.common.errors import BadInputError


@pytest.fixture
def middle(tasks: Repository) -> Measured:
    return family(tasks, "digits", TARGET)[1]


def test_a_family_is_the_frontier_of_its_task_the_most_accurate_first(tasks: Repository) -> None:
    names = [one.name for one in family(tasks, "digits", TARGET)]
    assert names == ["digits-large-0000000a", "digits-middle-0000000b", "digits-small-0000000c"]


def test_an_unknown_task_is_refused_with_the_choices(tasks: Repository) -> None:
    with pytest.raises(BadInputError, match="unknown task 'mnist': choices are bees, cifar10, digits"):
        family(tasks, "mnist", TARGET)


def test_figures_are_what_was_measured(middle: Measured) -> None:
    assert cores(middle) == [0.5, 1, 2, 4, 8]
    assert batches(middle, cores=2) == [1, 2, 4, 8, 16]
    assert latency_ms(middle, batch=8, cores=2) == pytest.approx(own_ms(240, 8, 2))
    assert images_per_s(middle, batch=16, cores=4) == pytest.approx(reached(240, 16, 4))
    assert load_s(middle) == pytest.approx(0.2 + 40 / 240)


def test_batches_are_those_known_on_so_many_cores(middle: Measured) -> None:
    assert batches(middle, cores=3) == [1, 2, 4, 8, 16]
    assert batches(middle, cores=16) == []


def test_latencies_are_all_of_the_served_file_where_it_was_timed_in_the_process_too(middle: Measured) -> None:
    inside = [one.model_copy(update={"runtime": "onnxruntime"}) for one in middle.profile.own(middle.profile.latency)]
    quicker = [one.model_copy(update={"corrected_p50_ms": 0.1}) for one in inside]
    both = middle.profile.model_copy(update={"latency": (*quicker, *middle.profile.latency)})
    assert latency_ms(replace(middle, profile=both), batch=8, cores=1) == pytest.approx(own_ms(240, 8, 1))


def test_capacity_is_that_of_the_longest_measured_deadline_within_the_asked_one(middle: Measured) -> None:
    alone_ms = own_ms(240, 1, 1)
    assert capacity_rps(middle, 2, 5 * alone_ms) == pytest.approx(0.8 * reached(240, 1, 2))
    assert capacity_rps(middle, 2, 1e6) == pytest.approx(0.9 * reached(240, 1, 2))
    assert capacity_rps(middle, 2, alone_ms) == 0


def test_what_was_not_measured_is_refused_with_what_measures_it(middle: Measured) -> None:
    with pytest.raises(BadInputError, match=r"no capacity on 3 cores: .*profile=full target=local_cpu measures it"):
        capacity_rps(middle, 3, 100)
    with pytest.raises(BadInputError, match=r"digits-middle.*cores=16 is outside of what was measured.*profile=full"):
        latency_ms(middle, batch=1, cores=16)
