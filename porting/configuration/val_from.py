"""The default of `datamodule.val_from`: from the test images for a network that was trained elsewhere.

The training images of such a network are unknown, so an accuracy on a part of the training split is no accuracy on
unseen images. A run of later stages only goes on as the runs that made the first variants of its task.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from profiler.common.door import contents
from profiler.common.errors import BadInputError

RECORD_LIMIT_BYTES, CONFIG_LIMIT_BYTES = 1 << 26, 1 << 20
KEY = "val_from"
OWN_PACKAGE = "datamodules."


def with_val_from(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a configuration with a chosen `val_from`; a given one stays."""
    if not is_open(values):
        return values
    chosen = "test" if why_test(values) else "train"
    return {**values, "datamodule": {**values["datamodule"], KEY: chosen}}


def announcement(values: Mapping[str, Any]) -> str:
    """The line that says why the test images validate by default; empty where they do not."""
    why = why_test(values) if is_open(values) else ""
    return why and (
        f"data      datamodule.val_from=test, as {why}: one half of the test pictures chooses, the other half reports"
    )


def why_test(values: Mapping[str, Any]) -> str:
    """The reason why test images validate; empty where training images do."""
    stages = values["stage"] if isinstance(values["stage"], list) else [values["stage"]]
    if why := trained_elsewhere(values):
        return why
    if {"all", "train", "import"} & set(stages):
        return ""
    for name, earlier in first_configurations(Path(values["workspace"]) / "tasks" / str(values.get("task"))):
        given = (earlier.get("datamodule") or {}).get(KEY)
        if given == "test" or (given is None and trained_elsewhere(earlier)):
            return f"the run that made {name} did so"
    return ""


def first_configurations(task: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The names and configurations of the variants of a task without a parent; each stage reports damaged ones."""
    for record in sorted(task.glob("variants/*/variant.json")):
        with suppress(BadInputError, ValueError, LookupError, TypeError, yaml.YAMLError, RecursionError):
            if json.loads(contents(record, RECORD_LIMIT_BYTES, ""))["parent"] is None:
                found = yaml.safe_load(contents(record.with_name("config.yaml"), CONFIG_LIMIT_BYTES, ""))
                if isinstance(found, dict):
                    yield record.parent.name, found


def is_open(values: Mapping[str, Any]) -> bool:
    """Whether the data module takes `val_from` and the configuration does not give it."""
    module = values.get("datamodule")
    if not isinstance(module, dict):
        return False
    own = str(module.get("_target_", "")).startswith(OWN_PACKAGE)
    return (own or KEY in module) and module.get(KEY) is None


def trained_elsewhere(values: Mapping[str, Any]) -> str:
    """The reason why the network was trained before this run; empty where the run trains it from random weights."""
    train, backbone = values.get("train") or {}, values.get("backbone") or {}
    if values.get("model"):
        return "model= imports a network"
    if train.get("weights"):
        return "train.weights names trained weights"
    if backbone.get("pretrained") or backbone.get("weights"):
        return "the backbone is pretrained"
    return ""
