"""INFaaS's profile, read back by its own rules: every figure in the unit in which INFaaS takes it."""

from pathlib import Path

import pytest
from convertible import ACCURATE, FAST, MIB, TARGET, accurate, conversion, convertible_repository, memory
from full_profile import blank_profile
from infaas_rules import Registration, register
from made_points import latency, rate
from narrowing import known

from porting.repository import Repository
from porting.repository.formats import infaas
from profiler.common.errors import BadInputError
from profiler.common.target import Target
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return convertible_repository(tmp_path_factory.mktemp("infaas"))


@pytest.fixture(scope="module")
def registration(repository: Repository) -> Registration:
    return registered(repository)


@pytest.fixture(scope="module")
def profile(repository: Repository) -> Profile:
    return repository.details(ACCURATE).profiles[TARGET]


def registered(repository: Repository) -> Registration:
    return register(infaas.files(conversion(repository)).texts[f"{ACCURATE}.config"])


def test_the_file_is_named_after_its_variant_as_the_registration_tool_demands(repository: Repository) -> None:
    assert infaas.files(conversion(repository)).texts.keys() == {f"{ACCURATE}.config", f"{FAST}.config"}


def test_latencies_are_means_and_the_load_time_is_the_median_in_ms(
    registration: Registration, profile: Profile
) -> None:
    for batch in (1, 4, 8):
        assert registration.numbers[f"inflatb{batch}"] == pytest.approx(known(profile.latency_at(batch)).mean_ms)
    assert registration.numbers["loadlat"] == profile.load_time[0].p50_ms == 208.0


def test_its_line_over_the_batch_comes_near_the_other_measured_points(
    registration: Registration, profile: Profile
) -> None:
    assert registration.latency_ms(2) == pytest.approx(known(profile.latency_at(2)).mean_ms, rel=0.05)
    assert registration.latency_ms(32) == pytest.approx(known(profile.latency_at(32)).mean_ms, rel=0.05)


def test_accuracy_is_in_percent_and_sizes_are_in_bytes(registration: Registration, profile: Profile) -> None:
    assert registration.numbers["accuracy"] == pytest.approx(90.0)
    assert registration.numbers["compsize"] == profile.complexity.file_bytes == 4096
    assert registration.numbers["peakmemory"] == 318 * MIB


def test_variants_of_a_task_are_siblings_under_its_data_and_input_size(
    repository: Repository, registration: Registration
) -> None:
    other = register(infaas.files(conversion(repository)).texts[f"{FAST}.config"])
    assert registration.words["parname"] == other.words["parname"] == "digits-resnet8"
    assert registration.grandparent == other.grandparent == "classification-digits-32"


def test_a_cpu_variant_is_one_to_infaas(registration: Registration) -> None:
    assert registration.runs_on_cpu


def test_a_gpu_variant_takes_the_largest_batch_that_was_measured_and_needs_the_gpus_memory(tmp_path: Path) -> None:
    profile = accurate(target=Target(providers=("cuda",)), memory=memory(gpu_bytes=77 * MIB))
    found = registered(convertible_repository(tmp_path, one=profile))
    assert not found.runs_on_cpu
    assert found.numbers["maxbatch"] == 32
    assert found.numbers["peakmemory"] == 77 * MIB


def test_no_comment_ends_the_reading_however_long_a_name_is(tmp_path: Path) -> None:
    profile = accurate()
    machine = profile.fingerprint.model_copy(update={"cpu_model": "a processor varname another " * 20})
    found = registered(convertible_repository(tmp_path, *2 * [profile.model_copy(update={"fingerprint": machine})]))
    assert found.words["varname"] == ACCURATE


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"memory": ()}, "served memory at batch 8"),
        ({"load_time": ()}, "load time"),
        ({"latency": (latency(1), latency(4))}, "latency at batch 8"),
    ],
)
def test_what_infaas_reads_and_was_not_measured_is_named_with_the_way_to_measure_it(
    tmp_path: Path, changes: dict[str, object], lacks: str
) -> None:
    best = (rate(MaximalThroughput, 16, 4, 780.0),)
    whole = {name: getattr(accurate(), name) for name in ("latency", "load_time", "memory")}
    made = convertible_repository(tmp_path, one=blank_profile(max_throughput=best, **whole | changes))
    with pytest.raises(BadInputError, match=f"{ACCURATE} has no {lacks}: .*profile=full target={TARGET}"):
        infaas.files(conversion(made))
