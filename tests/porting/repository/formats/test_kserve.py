"""KServe's InferenceService: the figures are the measured ones, in Kubernetes' own units."""

from pathlib import Path

import pytest
import yaml
from convertible import ACCURATE, FAST, MIB, TARGET, URI, accurate, conversion, convertible_repository, memory
from full_profile import blank_profile
from kubernetes_rules import amount, model_of
from made_points import rate
from narrowing import known

from porting.repository import Repository
from porting.repository.formats import kserve
from porting.repository.formats.kserve import image_tag, kubernetes_name
from profiler.common.errors import BadInputError
from profiler.common.target import Target
from profiler.records.throughput import MaximalThroughput


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return convertible_repository(tmp_path_factory.mktemp("kserve"))


def one_text(repository: Repository) -> str:
    return kserve.files(conversion(repository, variant=ACCURATE)).texts[f"{ACCURATE}.yaml"]


def test_the_frontier_of_the_target_becomes_one_valid_service_each(repository: Repository) -> None:
    texts = kserve.files(conversion(repository)).texts
    assert texts.keys() == {f"{ACCURATE}.yaml", f"{FAST}.yaml"}
    for name in (ACCURATE, FAST):
        service = yaml.safe_load(texts[f"{name}.yaml"])
        model_of(service)
        assert service["metadata"]["name"] == name


def test_the_root_of_the_repository_is_mounted_and_one_variant_loaded_as_it_was_measured(
    repository: Repository,
) -> None:
    model = model_of(yaml.safe_load(one_text(repository)))
    assert model["storageUri"] == URI
    assert model["modelFormat"] == {"name": "triton"}
    assert model["args"] == [
        f"--model-config-name={TARGET}", "--model-control-mode=explicit", f"--load-model={ACCURATE}",
    ]  # fmt: skip
    assert (repository.storage.local / ACCURATE / "configs" / f"{TARGET}.pbtxt").is_file()


def test_cores_and_memory_are_those_that_were_measured(repository: Repository) -> None:
    profile = repository.details(ACCURATE).profiles[TARGET]
    resources = model_of(yaml.safe_load(one_text(repository)))["resources"]
    assert resources["requests"] == resources["limits"]
    assert amount(resources["limits"]["cpu"]) == profile.target.cores
    assert (
        amount(resources["limits"]["memory"]) == max(known(point.peak_bytes) for point in profile.memory) == 342 * MIB
    )


def test_memory_is_rounded_up_never_down(tmp_path: Path) -> None:
    peak = 300 * MIB + 1
    points = tuple(point.model_copy(update={"peak_bytes": peak}) for point in memory())
    text = one_text(convertible_repository(tmp_path, one=accurate(memory=points)))
    assert amount(model_of(yaml.safe_load(text))["resources"]["limits"]["memory"]) == 301 * MIB


def test_memory_that_was_not_measured_is_left_out_and_it_says_how_to_measure_it(tmp_path: Path) -> None:
    best = (rate(MaximalThroughput, 16, 4, 780.0),)
    text = one_text(convertible_repository(tmp_path, one=blank_profile(max_throughput=best)))
    assert model_of(yaml.safe_load(text))["resources"] == {"requests": {"cpu": "1"}, "limits": {"cpu": "1"}}
    assert "# memory is left out, and is then the runtime's default: a profile of level quick" in text
    assert "profile=full" in text


def test_memory_of_other_resources_or_of_a_process_of_its_own_does_not_count(tmp_path: Path) -> None:
    points = (
        *(point.model_copy(update={"source": "child process"}) for point in memory()),
        *memory(500, cores=2.0, threads=2),
    )
    text = one_text(convertible_repository(tmp_path, one=accurate(memory=points)))
    assert "memory" not in model_of(yaml.safe_load(text))["resources"]["limits"]


def test_a_gpu_that_served_is_asked_for(tmp_path: Path) -> None:
    profile = accurate(target=Target(providers=("cuda", "cpu")))
    text = one_text(convertible_repository(tmp_path, one=profile))
    assert model_of(yaml.safe_load(text))["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_annotations_carry_the_figures_with_units_in_their_names(repository: Repository) -> None:
    profile = repository.details(ACCURATE).profiles[TARGET]
    metadata = yaml.safe_load(one_text(repository))["metadata"]
    found = {key.removeprefix("dnn-porting/"): value for key, value in metadata["annotations"].items()}
    assert float(found["validation-accuracy-share"]) == 0.9
    assert float(found["max-images-per-s"]) == known(profile.best_throughput()).images_per_s
    assert float(found["latency-batch-1-p50-ms"]) == known(profile.latency_at(1)).p50_ms
    assert float(found["load-ms"]) == 208.0
    assert int(found["peak-memory-bytes"]) == 342 * MIB
    assert metadata["labels"]["dnn-porting/target"] == TARGET


def test_without_a_storage_uri_it_says_what_to_give(repository: Repository) -> None:
    with pytest.raises(BadInputError, match="--storage-uri is missing: give the address of the repository's root"):
        kserve.files(conversion(repository, storage_uri=None))


def test_an_unknown_target_and_a_target_without_a_repository_of_programs_are_refused(
    repository: Repository, tmp_path: Path
) -> None:
    with pytest.raises(BadInputError, match=f"unknown target 'elsewhere': choices are {TARGET}"):
        kserve.files(conversion(repository, target="elsewhere"))
    programs = Target(runtime="torch")
    made = convertible_repository(tmp_path, accurate(target=programs), accurate(target=programs))
    with pytest.raises(BadInputError, match="torch programs, which a repository does not hold"):
        kserve.files(conversion(made))


def test_long_names_and_those_that_begin_with_a_digit_become_valid_and_stay_apart() -> None:
    long = f"digits-{'resnet-' * 7}"
    names = [kubernetes_name(f"{long}{key}") for key in ("0000000a", "0000000b")]
    assert len(set(names)) == 2
    assert all(len(name) <= 53 and "--" not in name for name in names)
    assert kubernetes_name("101-classes-0000000a") == "v-101-classes-0000000a"
    assert kubernetes_name("edge_CPU.2") == "edge-cpu-2"


@pytest.mark.parametrize(
    ("version", "tag"),
    [("2.46.0", "24.05-py3"), ("2.51.0", "24.10-py3"), ("2.53.0", "24.12-py3"), ("2.59.0", "25.06-py3"),
     ("2.34.0", "24.05-py3"), ("3.0.0", "24.05-py3")],
)  # fmt: skip
def test_the_container_is_that_of_the_measured_server_or_the_oldest_that_takes_the_arguments(
    version: str, tag: str
) -> None:
    measured_with = accurate().fingerprint.model_copy(update={"runtime_version": version})
    assert image_tag(measured_with) == tag
