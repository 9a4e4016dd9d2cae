"""Dynamic batching in a published repository: in the served configuration, the details, and what planners read."""

from pathlib import Path

import pytest
from convertible import ACCURATE, TARGET, accurate, convertible_repository
from google.protobuf import text_format
from made_points import dynamic_batching
from tritonclient.grpc.model_config_pb2 import ModelConfig

from orchestrators.live.catalogue import of
from porting.repository import Repository
from porting.repository.variant_files import VariantFiles
from profiler.triton.lint import lint


@pytest.fixture
def on(tmp_path: Path) -> Repository:
    """A variant with a better capacity under dynamic batching, which is published."""
    return convertible_repository(tmp_path, accurate(dynamic_batching=(dynamic_batching(),)))


@pytest.fixture
def off(tmp_path: Path) -> Repository:
    """A variant that dynamic batching does not help beyond the noise."""
    return convertible_repository(tmp_path, accurate(dynamic_batching=(dynamic_batching(on=False),)))


def served(repository: Repository) -> ModelConfig:
    text = Path(repository.storage.local, ACCURATE, "configs", f"{TARGET}.pbtxt").read_text()
    return text_format.Parse(text, ModelConfig())


def test_the_published_configuration_has_the_chosen_batching(on: Repository) -> None:
    found = served(on).dynamic_batching
    assert (found.max_queue_delay_microseconds, list(found.preferred_batch_size)) == (500, [4, 8])
    assert VariantFiles.of(on, ACCURATE).config(TARGET) == text_format.MessageToString(served(on))


def test_where_batching_does_not_help_the_configuration_has_none(off: Repository) -> None:
    assert not served(off).HasField("dynamic_batching")


def test_the_lint_accepts_the_published_configuration(on: Repository) -> None:
    assert {one.severity for one in lint(Path(on.storage.local))} <= {"warning"}


def test_the_details_say_the_deadline_and_both_capacities_with_their_intervals(on: Repository) -> None:
    (point,) = on.on(ACCURATE, TARGET).profile.dynamic_batching
    assert point.deadline_ms == 8.5
    assert (point.capacity.requests_per_s, point.capacity.low_requests_per_s) == (800.0, 760.0)
    assert (point.without.requests_per_s, point.without.high_requests_per_s) == (400.0, 420.0)


def test_a_live_server_loads_the_chosen_batching(on: Repository) -> None:
    network = of(on, TARGET, "digits", ACCURATE)
    assert '"max_queue_delay_microseconds": "500"' in network.config


def test_single_requests_have_the_throughput_under_batching_where_it_is_on(on: Repository) -> None:
    one = on.on(ACCURATE, TARGET)
    assert one.images_per_s(1, 1.0) == 470.0
    assert one.single_rps(1.0) == one.joined_rps(8, 1.0) == 900.0
    assert one.joined_batch(1.0) == 8
    assert one.joined_rps(16, 1.0) == 780.0


def test_on_other_cores_nothing_is_known_of_batching(on: Repository) -> None:
    one = on.on(ACCURATE, TARGET)
    assert (one.batching(2.0), one.joined_batch(2.0)) == (None, 1)


def test_without_batching_single_requests_have_the_throughput_of_batch_1(off: Repository) -> None:
    one = off.on(ACCURATE, TARGET)
    assert (one.single_rps(1.0), one.joined_batch(1.0), one.batching(1.0)) == (470.0, 1, None)


def test_the_capacity_under_batching_counts_from_its_deadline_on(on: Repository, off: Repository) -> None:
    assert on.on(ACCURATE, TARGET).capacity_rps(1.0, 8.5) == 800.0
    assert on.on(ACCURATE, TARGET).capacity_rps(1.0, 20.0) == 800.0
    assert on.on(ACCURATE, TARGET).capacity_rps(1.0, 3.4) == off.on(ACCURATE, TARGET).capacity_rps(1.0, 3.4) == 160.0
