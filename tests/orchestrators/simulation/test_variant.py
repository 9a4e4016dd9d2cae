"""What the simulation reads of the metadata."""

from dataclasses import replace

import numpy as np
import pytest
from made_points import partly
from made_tasks import TARGET, own_ms

from orchestrators.family import family
from orchestrators.simulation.station import normals, sampled
from orchestrators.variant import MeasuredVariant, Variant, catalogue
from porting.repository import Repository
from profiler.common.errors import BadInputError
from profiler.records.warm_up import Switch

MIDDLE = "digits", "digits-middle-0000000b"


@pytest.fixture(scope="module")
def middle(tasks: Repository) -> Variant:
    return catalogue(tasks, ["digits", "bees"], TARGET)[MIDDLE]


def changed(tasks: Repository, **changes: object) -> Variant:
    """The same variant with other figures."""
    one = family(tasks, "digits", TARGET)[1]
    profiles = {one.target: one.profile.model_copy(update=changes)}
    details = one.details.model_copy(update={"profiles": profiles})
    return MeasuredVariant(replace(one, read_details=lambda _: details))


def test_a_catalogue_has_the_frontier_of_every_task(tasks: Repository) -> None:
    found = catalogue(tasks, ["digits", "bees"], TARGET)
    assert [name for task, name in found if task == "bees"] == ["bees-large-0000002a", "bees-small-0000002c"]
    assert len(found) == 5
    assert found["bees", "bees-large-0000002a"].accuracy == 0.97


def test_a_batch_takes_its_measured_time_and_between_the_sizes_what_lies_between(middle: Variant) -> None:
    times_s = middle.service_s(8, 2.0)
    assert times_s[0] == 0
    assert times_s[1:] == pytest.approx([own_ms(240, size, 2) / 1e3 for size in range(1, 9)])
    assert middle.service_s(8, 3.0)[8] == pytest.approx((own_ms(240, 8, 2) + own_ms(240, 8, 4)) / 2e3)


def test_a_batch_takes_no_less_than_the_throughput_leaves_to_each(tasks: Repository) -> None:
    usual = family(tasks, "digits", TARGET)[1].profile
    slower = [
        point.model_copy(update={"images_per_s": point.images_per_s / 2})
        for point in usual.max_throughput
        if point.batch > 1
    ]
    times_s = changed(tasks, max_throughput=slower).service_s(16, 1.0)
    assert times_s[1] == pytest.approx(own_ms(240, 1, 1) / 1e3)
    assert times_s[2:] == pytest.approx([2 * own_ms(240, size, 1) / 1e3 for size in range(2, 17)])


def test_what_was_not_measured_is_refused(middle: Variant) -> None:
    with pytest.raises(BadInputError, match="cores=16 is outside of what was measured"):
        middle.service_s(1, 16.0)
    with pytest.raises(BadInputError, match="batch=32 is outside of what was measured"):
        middle.service_s(32, 1.0)


def test_single_batches_scatter_as_the_measured_percentiles_do(middle: Variant) -> None:
    service = sampled(middle.service_s(1, 1.0), middle.spread, normals(np.random.default_rng(0)))
    times_ms = 1e3 * np.array([service(1) for _ in range(100_000)])
    assert np.quantile(times_ms, [0.5, 0.99]) == pytest.approx(own_ms(240, 1, 1) * np.array([1.0, 1.5]), rel=0.01)


def test_a_new_server_is_up_once_it_is_loaded_and_has_answered_its_warm_up_requests(middle: Variant) -> None:
    load_s = 0.2 + 40 / 240
    assert middle.up_s(1) == pytest.approx(load_s + 3 * own_ms(240, 1, 1) / 1e3)
    assert middle.up_s(8) == pytest.approx(load_s + 3 * (own_ms(240, 1, 1) + own_ms(240, 8, 1)) / 1e3)


def test_the_contention_factor_is_measured_at_two_shares_and_lies_on_a_line_elsewhere(middle: Variant) -> None:
    assert [middle.kept(share) for share in (0, 0.25, 0.5)] == pytest.approx([1, 0.725, 0.45])
    assert middle.kept(0.1) == pytest.approx(0.89)
    assert middle.kept(0.8) == pytest.approx(0.12)
    assert middle.kept(1.0) == 0


def test_what_contention_and_warm_up_lack_is_said_when_it_is_asked_for(tasks: Repository) -> None:
    lacking = changed(tasks, contention=(), first_inference=())
    assert lacking.service_s(1, 1.0)
    with pytest.raises(BadInputError, match=r"no contention factor: .*profile=full"):
        lacking.kept(0.1)
    with pytest.raises(BadInputError, match=r"no first inference after a load: .*profile=full"):
        lacking.up_s(1)


def test_a_load_takes_what_the_server_used_more_under_traffic_or_else_one_core(
    middle: Variant, tasks: Repository
) -> None:
    assert changed(tasks).loading_cores == 1
    values = {"offered_per_s": 50, "switches": 4, "load_ms": 210, "load_max_ms": 240, "sent": 9, "answered": 9,
              "lost": 0, "wrong": 0, "before_n": 3, "during_n": 3, "after_n": 3}  # fmt: skip
    switch = partly(Switch, server_cores_before=0.4, server_cores_during=0.9, **values)
    assert changed(tasks, switch=[switch]).loading_cores == pytest.approx(0.5)


def test_without_a_percentile_there_is_no_spread(tasks: Repository) -> None:
    usual = family(tasks, "digits", TARGET)[1].profile.latency
    none = dict.fromkeys(("p90_ms", "p95_ms", "p99_ms"))
    bare = [one.model_copy(update={**none, "reasons": dict.fromkeys(none, "too few")}) for one in usual]
    assert changed(tasks, latency=bare).spread == 0
