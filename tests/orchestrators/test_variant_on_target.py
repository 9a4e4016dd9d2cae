"""A variant on a target: every figure of it, with its reason where it is unknown."""

from dataclasses import replace

import pytest
from made_tasks import TARGET, own_ms, reached

from orchestrators.family import family
from orchestrators.planners import inf_adapter, infaas, trivial
from porting.repository import Repository
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError


@pytest.fixture
def middle(tasks: Repository) -> VariantOnTarget:
    return family(tasks, "digits", TARGET)[1]


def test_a_family_is_the_frontier_of_its_task_the_most_accurate_first(tasks: Repository) -> None:
    names = [one.name for one in family(tasks, "digits", TARGET)]
    assert names == ["digits-large-0000000a", "digits-middle-0000000b", "digits-small-0000000c"]


def test_an_unknown_task_is_refused_with_the_choices(tasks: Repository) -> None:
    with pytest.raises(BadInputError, match="unknown task 'mnist': choices are bees, cifar10, digits"):
        family(tasks, "mnist", TARGET)


def test_figures_are_what_was_measured(middle: VariantOnTarget) -> None:
    assert middle.cores() == [0.5, 1, 2, 4, 8]
    assert middle.batches(cores=2) == [1, 2, 4, 8, 16]
    assert middle.latency_ms(batch=8, cores=2) == pytest.approx(own_ms(240, 8, 2))
    assert middle.images_per_s(batch=16, cores=4) == pytest.approx(reached(240, 16, 4))
    assert middle.load_s() == pytest.approx(0.2 + 40 / 240)


def test_batches_are_those_known_on_so_many_cores(middle: VariantOnTarget) -> None:
    assert middle.batches(cores=3) == [1, 2, 4, 8, 16]
    assert middle.batches(cores=16) == []


def test_latencies_are_all_of_the_served_file_where_it_was_timed_in_the_process_too(middle: VariantOnTarget) -> None:
    inside = [one.model_copy(update={"runtime": "onnxruntime"}) for one in middle.profile.own(middle.profile.latency)]
    quicker = [one.model_copy(update={"p50_ms": 0.1}) for one in inside]
    both = middle.profile.model_copy(update={"latency": (*quicker, *middle.profile.latency)})
    details = middle.details.model_copy(update={"profiles": {TARGET: both}})
    other = replace(middle, read_details=lambda _: details)
    assert other.latency_ms(batch=8, cores=1) == pytest.approx(own_ms(240, 8, 1))


def test_capacity_is_that_of_the_longest_measured_deadline_within_the_asked_one(middle: VariantOnTarget) -> None:
    alone_ms = own_ms(240, 1, 1)
    assert middle.capacity_rps(2, 5 * alone_ms) == pytest.approx(0.8 * reached(240, 1, 2))
    assert middle.capacity_rps(2, 1e6) == pytest.approx(0.9 * reached(240, 1, 2))
    assert middle.capacity_rps(2, alone_ms) == 0


def test_what_was_not_measured_is_refused_with_what_measures_it(middle: VariantOnTarget) -> None:
    with pytest.raises(BadInputError, match=r"no capacity on 3 cores: .*profile=full target=local_cpu measures it"):
        middle.capacity_rps(3, 100)
    with pytest.raises(BadInputError, match=r"digits-middle.*cores=16 is outside of what was measured.*profile=full"):
        middle.latency_ms(batch=1, cores=16)


def test_a_figure_of_the_index_has_its_interval_and_an_unknown_one_its_reason(middle: VariantOnTarget) -> None:
    figure = middle.figure("images_per_s")
    assert figure is not None
    assert middle.value("images_per_s") == figure[0]
    assert middle.value("joules_per_inference") is None
    assert middle.why_unknown("joules_per_inference")


def test_a_figure_that_does_not_exist_is_refused_with_the_choices(middle: VariantOnTarget) -> None:
    with pytest.raises(BadInputError, match=r"unknown metric 'p98_ms': choices are accuracy, .*warm_up_s"):
        middle.figure("p98_ms")
    with pytest.raises(
        BadInputError, match=r"'file_bytes' is no figure with places: choices are p50_ms, compute_p50_ms, p99_ms"
    ):
        middle.lookup("file_bytes")


def test_a_figure_at_a_place_is_interpolated_and_says_so(middle: VariantOnTarget) -> None:
    assert middle.at("images_per_s", batch=16, cores=4).kind == "measured"
    assert middle.at("images_per_s", batch=12, cores=4).kind == "predicted"


def test_a_variant_that_was_not_measured_on_a_target_is_refused_with_the_choices(tasks: Repository) -> None:
    name = tasks.variants[0].name
    fix = r"run 'stage=\[profile,publish\]' target=moon"
    with pytest.raises(BadInputError, match=f"{name} was not measured on 'moon', only on {TARGET}: {fix}"):
        tasks.on(name, "moon")


def test_the_details_of_a_variant_are_read_once(tasks: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = Repository(tasks.storage, tasks.index)
    name = repository.variants[0].name
    first = repository.on(name, TARGET).details
    monkeypatch.setattr(repository, "storage", None)
    assert repository.on(name, TARGET).details is first


def test_planners_read_the_load_time_and_the_rates_of_the_index(tasks: Repository, middle: VariantOnTarget) -> None:
    load_ms = middle.value("load_ms")
    assert load_ms is not None
    load_s = load_ms / 1e3
    several = infaas.from_repository(tasks, task="digits", target=TARGET, demand_rps=1.0, deadline_ms=1e6, max_cores=2)
    assert {one.load_s for one in several.variants if one.name == middle.name} == {load_s}
    adapter = inf_adapter.from_repository(tasks, task="digits", target=TARGET, demand_rps=1.0, deadline_ms=1e6)
    assert {one.load_time_s for one in adapter.variants if one.name == middle.name} == {load_s}
    (chain,) = trivial.from_repository(tasks, task="digits", target=TARGET, demand_rps=1.0).tasks
    rate = middle.images_per_s(batch=1, cores=middle.profile.target.cores)
    assert {one.images_per_s for one in chain.versions if one.name == middle.name} == {rate}
