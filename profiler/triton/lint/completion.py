"""The completion of a configuration by the server before validation (core: `AutoCompleteBackendFields`)."""

import re

from tritonclient.grpc.model_config_pb2 import ModelConfig

from profiler.triton.lint.model import ENSEMBLE, ONNX_RUNTIME
from profiler.triton.lint.tree import Tree

# In the order of the server's checks.
FILE_OF_BACKEND = {
    "tensorflow": ("model.savedmodel", "model.graphdef"),
    "tensorrt": ("model.plan",),
    ONNX_RUNTIME: ("model.onnx",),
    "openvino": ("model.xml",),
    "pytorch": ("model.pt",),
    "python": ("model.py",),
}
BACKEND_OF_PLATFORM = {
    "tensorflow_savedmodel": "tensorflow",
    "tensorflow_graphdef": "tensorflow",
    "tensorrt_plan": "tensorrt",
    "onnxruntime_onnx": ONNX_RUNTIME,
    "pytorch_libtorch": "pytorch",
}
PLATFORM_OF_BACKEND = {"tensorrt": "tensorrt_plan", ONNX_RUNTIME: "onnxruntime_onnx", "pytorch": "pytorch_libtorch"}
NO_VERSIONS = ("warmup", "initial_state", "configs")
# The part of a name that C++ parses as a number.
LEADING_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)")
LARGEST_VERSION = 2**63 - 1


def completed(config: ModelConfig, tree: Tree, name: str) -> ModelConfig:
    """A copy with name, backend, platform and file name as completed by the server."""
    whole = ModelConfig()
    whole.CopyFrom(config)
    whole.name = whole.name or utf_8(name)
    if not whole.backend and whole.platform != ENSEMBLE:
        whole.backend = inferred_backend(whole, tree, name)
    if not whole.platform:
        whole.platform = PLATFORM_OF_BACKEND.get(whole.backend, "")
    if whole.backend == ONNX_RUNTIME and not whole.default_model_filename:
        whole.default_model_filename = "model.onnx"
    return whole


def inferred_backend(config: ModelConfig, tree: Tree, name: str) -> str:
    """The backend by platform, else by file name, else by the files of the first folder, else by the model's name."""
    if config.platform in BACKEND_OF_PLATFORM:
        return BACKEND_OF_PLATFORM[config.platform]
    if config.default_model_filename:
        present = {config.default_model_filename}
    elif config.platform:
        return ""
    else:
        first = next(iter(subfolders(tree, name)), None)
        present = set() if first is None else set(tree.names(f"{name}/{first}"))
    for backend, files in FILE_OF_BACKEND.items():
        if present & set(files):
            return backend
    return "" if config.default_model_filename else utf_8(name).partition(".")[2]


def utf_8(name: str) -> str:
    """A folder's name as valid UTF-8."""
    return name.encode(errors="replace").decode()


def subfolders(tree: Tree, name: str) -> list[str]:
    """The folders in a model's folder, in the server's order."""
    found = [entry for entry in tree.names(name) if tree.place(f"{name}/{entry}").kind == "folder"]
    return sorted(found, key=lambda entry: entry.encode(errors="surrogateescape"))


def version_of(folder: str) -> int | None:
    """The version number of a folder, `None` for a folder that the server ignores."""
    if folder in NO_VERSIONS or (len(folder) > 1 and folder.startswith("0")):
        return None
    number = LEADING_NUMBER.match(folder)
    # The number of digits is bounded by the file system.
    return None if number is None else int(number[1])


def versions_to_load(config: ModelConfig, folders: list[str]) -> tuple[int, ...]:
    """The versions that the policy chooses among the folders, newest first (core: `VersionsToLoad`)."""
    present = sorted({version for folder in folders if (version := version_of(folder)) is not None}, reverse=True)
    policy = config.version_policy
    choice = policy.WhichOneof("policy_choice")
    if choice == "specific":
        wanted = set(policy.specific.versions)
        return tuple(version for version in present if version in wanted)
    if choice == "latest":
        return tuple(present[: policy.latest.num_versions])
    # Without a policy the server loads the latest version, with an empty one all.
    return tuple(present) if config.HasField("version_policy") else tuple(present[:1])
