"""The record of a variant in the workspace: its properties, its history and its files."""

from typing import Literal

from pydantic import Field

from porting.configuration.aims import Kind
from porting.configuration.components import NamedComponent
from porting.repository.schema import (
    SHA256,
    Accuracy,
    ByClass,
    Flags,
    Label,
    Labels,
    Lineage,
    Opset,
    Precision,
    Preprocessing,
    TensorSpec,
    ValidOn,
)  # fmt: skip
from profiler.records.base import Record


class Network(Record):
    """A saved torch network: its backbone, and the digest of weights and manifest together."""

    backbone: NamedComponent
    in_channels: int = Field(ge=1, le=1 << 16)
    num_classes: int = Field(ge=1, le=1 << 20)
    sha256: str = Field(pattern=SHA256)


class OnnxFile(Record):
    """The file `model.onnx`; `key` is the digest of the recipe of its export, and profiles refer to its `sha256`.

    `program_sha256` is the digest of `model.pt`, the same network for torch.
    """

    key: str = Field(pattern=SHA256)
    sha256: str = Field(pattern=SHA256)
    program_sha256: str | None = Field(pattern=SHA256)
    opset: Opset
    precision: Precision
    valid_on: ValidOn = "any"
    input: TensorSpec
    output: TensorSpec
    validation_accuracy: Accuracy | None
    test_accuracy: Accuracy | None
    flags: Flags = Field(default={})
    by_class: list[ByClass] = Field(default=[], max_length=2)


class Pruning(Record):
    """The aim of a pruning (`porting.configuration.aims`), and its result.

    `validation_accuracy` is that before tuning, with batch statistics estimated again. `images_per_s` is the maximal
    throughput measured after the cut, and `images_per_s_before` that of the unpruned network. `tries` is the number of
    measured networks.
    """

    aim: Kind
    asked: float = Field(gt=0)
    parameters_before: int
    parameters_after: int
    achieved_parameter_ratio: float = Field(gt=0, lt=1)
    validation_accuracy: float = Field(ge=0, le=1)
    images_per_s_before: float | None = Field(gt=0)
    images_per_s: float | None = Field(gt=0)
    tries: int = Field(ge=0)


class Epoch(Record):
    """The figures of one pass over the training split."""

    epoch: int = Field(ge=0)
    train_loss: float
    val_loss: float
    val_accuracy: float = Field(ge=0, le=1)


class Variant(Record):
    """The content of `variant.json`.

    `key` is the hash of the recipe and decides reuse. `lineage` holds the steps, the oldest first.
    """

    schema_version: Literal[2] = 2
    task: Label
    name: Label
    key: str = Field(pattern=SHA256)
    backbone: Label
    parent: Label | None
    lineage: Lineage = Field(min_length=1)
    labels: Labels | None
    preprocessing: Preprocessing | None
    network: Network | None
    onnx: OnnxFile | None
    pruning: Pruning | None
    history: list[Epoch]

    @property
    def stage(self) -> str:
        """The stage that made the variant."""
        return self.lineage[-1].stage

    @property
    def technique(self) -> list[str]:
        """The labels of the steps that made the variant."""
        return [step.label for step in self.lineage if step.label]


def variant_name(task: str, backbone: str, labels: list[str], key: str) -> str:
    """`<task>-<backbone>-<how>-<8 hex>`: a DNS-1123 label of at most 63 characters, cut in its readable part."""
    readable = "-".join([task, backbone, *[label for label in labels if label]])
    return f"{readable[: 63 - 9].rstrip('-')}-{key[:8]}"
