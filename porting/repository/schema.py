"""The values that a published repository is made of; reading them needs pydantic and nothing else of ours."""

from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from profiler.records.base import Record
from profiler.records.complexity import Complexity
from profiler.records.fingerprint import Fingerprint
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput

SHA256 = r"^[0-9a-f]{64}$"
LABEL = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
Precision = Literal["fp32", "int8"]


class Preprocessing(Record):
    """From a picture to the input tensor: resize the short side, cut, scale, subtract `mean`, divide by `sd`."""

    size: int = Field(gt=0)
    colour: Literal["RGB", "L"]
    mean: list[float]
    sd: list[float]
    resize: Literal["bilinear", "none"]
    crop: Literal["center"]
    scale: float = Field(gt=0)
    layout: Literal["NCHW"]
    dtype: Literal["float32"]


class TensorSpec(Record):
    """A tensor of the served model; `shape` leaves the batch axis out."""

    name: str
    shape: list[int]
    dtype: Literal["float32"] = "float32"


class Accuracy(Record):
    """Top-1 accuracy of the exported file on `n` images, with its 95 % Wilson interval."""

    metric: Literal["top1"] = "top1"
    direction: Literal["higher"] = "higher"
    dataset: str
    dataset_sha256: str = Field(pattern=SHA256)
    split: Literal["val", "test"]
    n: int = Field(ge=1)
    value: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)


class Step(Record):
    """One stage that made a variant what it is: its settings, the versions that decided, the time it took."""

    stage: str
    label: str
    key: str = Field(pattern=SHA256)
    settings: dict[str, JsonValue]
    versions: dict[str, str]
    seconds: float = Field(ge=0)


class Standing(Record):
    """How a variant does on one target: the figures it is ranked by, and what became of it."""

    complexity: Complexity
    latency_batch_1_p50_ms: float | None = Field(gt=0)
    max_throughput: MaximalThroughput
    on_frontier: bool
    ties_with: list[str]
    dominated_by: str | None


class Summary(Record):
    """A variant in the index; published ones have a folder of their name, dropped ones do not."""

    name: str = Field(pattern=LABEL, max_length=63)
    task: str = Field(pattern=LABEL)
    backbone: str
    technique: list[str]
    precision: Precision
    parent: str | None
    onnx_sha256: str = Field(pattern=SHA256)
    validation_accuracy: Accuracy | None
    test_accuracy: Accuracy | None
    targets: dict[str, Standing]


class Published(Summary):
    """A variant that a server can load: the sum of its details file, and its Triton version."""

    version: int = Field(ge=1)
    details_sha256: str = Field(pattern=SHA256)


class Index(Record):
    """`repository.json`."""

    schema_version: Literal[1] = 1
    key: str = Field(pattern=SHA256)
    generator: str
    published_at: datetime
    targets: dict[str, Fingerprint]
    variants: list[Published]
    dropped: list[Summary]


class Details(Record):
    """`<variant>/variant.json`."""

    schema_version: Literal[1] = 1
    name: str = Field(pattern=LABEL, max_length=63)
    task: str
    backbone: str
    precision: Precision
    labels: list[str] | None
    preprocessing: Preprocessing | None
    input: TensorSpec
    output: TensorSpec
    onnx_sha256: str = Field(pattern=SHA256)
    opset: int
    validation_accuracy: Accuracy | None
    test_accuracy: Accuracy | None
    lineage: list[Step]
    profiles: dict[str, Profile]
