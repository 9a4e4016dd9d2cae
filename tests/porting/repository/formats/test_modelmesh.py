"""ModelMesh's runtime, services and model folders: its own arithmetic gives back what was measured."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from convertible import ACCURATE, FAST, MIB, TARGET, URI, accurate, conversion, convertible_repository
from google.protobuf import text_format
from kubernetes_rules import amount, model_of, runtime_of
from servers.short_lived import short_lived_triton
from support import CLASSES, SIZE
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.grpc.model_config_pb2 import ModelConfig

from porting.repository import Repository
from porting.repository.formats import ConvertedFiles, modelmesh
from profiler.common.errors import BadInputError

# Of kserve/modelmesh-runtime-adapter, internal/proto/triton/model_config.proto: what it knows of a configuration.
KNOWN = {
    "platform", "backend", "version_policy", "max_batch_size", "input", "output", "batch_input", "batch_output",
    "optimization", "dynamic_batching", "sequence_batching", "ensemble_scheduling", "instance_group",
    "default_model_filename", "cc_model_filenames", "metric_tags", "parameters", "model_warmup", "model_operations",
    "model_transaction_policy",
}  # fmt: skip
KNOWN_OF = {
    "input": {"name", "data_type", "format", "dims", "reshape", "is_shape_tensor", "allow_ragged_batch"},
    "output": {"name", "data_type", "dims", "reshape", "label_filename", "is_shape_tensor"},
    "instance_group": {"name", "kind", "count", "rate_limiter", "gpus", "profile"},
}
SERVER_BYTES = 260 * MIB


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return convertible_repository(tmp_path_factory.mktemp("modelmesh"))


@pytest.fixture(scope="module")
def files(repository: Repository) -> ConvertedFiles:
    return modelmesh.files(conversion(repository))


@pytest.fixture(scope="module")
def folder(files: ConvertedFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("written") / "modelmesh"
    files.write(path)
    return path


def size_on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_each_service_points_at_its_own_model_folder_and_at_the_runtime(folder: Path) -> None:
    runtime = yaml.safe_load((folder / "runtime.yaml").read_text())
    for name in (ACCURATE, FAST):
        service = yaml.safe_load((folder / f"{name}.yaml").read_text())
        model = model_of(service)
        assert service["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "ModelMesh"
        assert model["storageUri"] == f"{URI}/{name}"
        assert model["runtime"] == runtime["metadata"]["name"] == "dnn-porting-local-cpu"
        assert model["modelFormat"] in runtime_of(runtime)["supportedModelFormats"]


def test_a_model_folder_holds_what_triton_reads_and_nothing_else(folder: Path) -> None:
    found = {str(path.relative_to(folder / FAST)) for path in (folder / FAST).rglob("*") if path.is_file()}
    assert found == {"config.pbtxt", "1/model.onnx"}


def test_the_configuration_is_the_targets_without_a_name_and_with_older_fields_only(
    folder: Path, repository: Repository
) -> None:
    text = (folder / ACCURATE / "config.pbtxt").read_text()
    assert text == (repository.storage.local / ACCURATE / "configs" / f"{TARGET}.pbtxt").read_text()
    config = text_format.Parse(text, ModelConfig())
    assert {field.name for field, _ in config.ListFields()} <= KNOWN
    for name, known in KNOWN_OF.items():
        for one in getattr(config, name):
            assert {field.name for field, _ in one.ListFields()} <= known


def test_the_adapters_size_of_each_model_holds_what_it_was_measured_to_take(folder: Path) -> None:
    adapter = runtime_of(yaml.safe_load((folder / "runtime.yaml").read_text()))["builtInAdapter"]
    (factor,) = (float(one["value"]) for one in adapter["env"] if one["name"] == "MODELSIZE_MULTIPLIER")
    sizes = {name: factor * size_on_disk(folder / name) for name in (ACCURATE, FAST)}
    assert adapter["memBufferBytes"] == SERVER_BYTES
    assert sizes[ACCURATE] == pytest.approx(342 * MIB - SERVER_BYTES, rel=1e-6)
    assert sizes[FAST] >= 322 * MIB - SERVER_BYTES


def test_the_runtime_has_room_for_all_models_at_once(folder: Path) -> None:
    spec = runtime_of(yaml.safe_load((folder / "runtime.yaml").read_text()))
    room = amount(spec["containers"][0]["resources"]["requests"]["memory"]) - spec["builtInAdapter"]["memBufferBytes"]
    (factor,) = (float(one["value"]) for one in spec["builtInAdapter"]["env"])
    assert room >= int(sum(factor * size_on_disk(folder / name) for name in (ACCURATE, FAST))) - 1
    assert spec["containers"][0]["resources"]["requests"]["cpu"] == "1"


def test_the_time_out_is_in_milliseconds_and_ten_times_the_slowest_measured_load(folder: Path) -> None:
    text = (folder / "runtime.yaml").read_text()
    assert runtime_of(yaml.safe_load(text))["builtInAdapter"]["modelLoadingTimeoutMillis"] == 10 * 230
    assert "slowest load 230 ms" in text


@pytest.mark.parametrize(
    ("changes", "lacks"), [({"memory": ()}, "memory of serving processes"), ({"load_time": ()}, "load time")]
)
def test_what_the_runtime_needs_and_was_not_measured_is_named(
    tmp_path: Path, changes: dict[str, object], lacks: str
) -> None:
    made = convertible_repository(tmp_path, one=accurate(**changes))
    with pytest.raises(BadInputError, match=f"{ACCURATE} has no {lacks}.*profile=full"):
        modelmesh.files(conversion(made))


@pytest.mark.integration
def test_a_model_folder_under_the_name_that_modelmesh_gives_it_loads_and_answers(folder: Path, tmp_path: Path) -> None:
    given = "isvc-0123456789"
    (tmp_path / "models").mkdir()
    (folder / ACCURATE).rename(tmp_path / "models" / given)
    with short_lived_triton(repository=tmp_path / "models") as server:
        with InferenceServerClient(server.endpoint) as client:
            tensor = InferInput("input", [2, 1, SIZE, SIZE], "FP32")
            tensor.set_data_from_numpy(np.ones((2, 1, SIZE, SIZE), np.float32))
            assert client.infer(given, [tensor]).as_numpy("logits").shape == (2, CLASSES)
