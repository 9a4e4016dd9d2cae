"""A published variant as the load call takes it."""

import json
from pathlib import Path

import pytest
from made_live import LARGE, SMALL, TARGET, TASK, VARIANTS, live_repository

from orchestrators.live.catalogue import of
from porting.repository import Repository
from profiler.common.errors import BadInputError


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return live_repository(tmp_path)


def test_a_network_is_the_published_file_its_warm_up_and_its_config_under_the_tasks_name(
    repository: Repository,
) -> None:
    network = of(repository, TARGET, TASK, SMALL)
    home = repository.storage.local / SMALL
    assert network.variant == SMALL
    assert network.files == {
        "file:1/model.onnx": (home / "1" / "model.onnx").read_bytes(),
        "file:warmup/example": (home / "warmup" / "example").read_bytes(),
    }
    config = json.loads(network.config)
    assert config["name"] == TASK
    assert config["parameters"]["variant"] == {"string_value": SMALL}
    assert [one["inputs"]["input"]["input_data_file"] for one in config["model_warmup"]] == ["example", "example"]


def test_configs_of_variants_differ_and_so_do_those_of_two_files_of_one_variant(tmp_path: Path) -> None:
    before = live_repository(tmp_path)
    other_file = {**VARIANTS, SMALL: (*VARIANTS[SMALL][:2], 9.0)}
    after = live_repository(tmp_path, other_file)
    assert after.variant(SMALL).version == 2
    networks = [of(before, TARGET, TASK, LARGE), of(before, TARGET, TASK, SMALL), of(after, TARGET, TASK, SMALL)]
    assert len({one.config for one in networks}) == 3


def test_the_newest_file_of_a_variant_is_served_and_only_that(tmp_path: Path) -> None:
    live_repository(tmp_path)
    after = live_repository(tmp_path, {**VARIANTS, SMALL: (*VARIANTS[SMALL][:2], 9.0)})
    files = of(after, TARGET, TASK, SMALL).files
    assert files.keys() == {"file:1/model.onnx", "file:warmup/example"}
    assert files["file:1/model.onnx"] == (after.storage.local / SMALL / "2" / "model.onnx").read_bytes()


def test_a_file_that_is_not_the_published_one_is_refused(repository: Repository) -> None:
    (repository.storage.local / SMALL / "1" / "model.onnx").write_bytes(b"half a netw")
    with pytest.raises(BadInputError, match=r"model\.onnx is not the file that was published: publish again"):
        of(repository, TARGET, TASK, SMALL)


@pytest.mark.parametrize(
    ("target", "task", "variant", "said"),
    [
        (TARGET, TASK, "digits-huge", "no variant 'digits-huge': choices are digits-large"),
        (TARGET, "bees", SMALL, "is for digits on local_cpu, not bees on local_cpu"),
        ("gpu", TASK, SMALL, "is for digits on local_cpu, not digits on gpu"),
    ],
)
def test_an_unknown_name_is_refused(repository: Repository, target: str, task: str, variant: str, said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        of(repository, target, task, variant)
