"""The records of a published repository as pydantic models."""

import math
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import FailFast, Field, JsonValue, model_validator

from profiler.common.profile_settings import Level
from profiler.common.target import TargetName
from profiler.records.base import Record, Value, Verdict
from profiler.records.complexity import Fingerprint
from profiler.records.profile import Profile

SHA256 = r"^[0-9a-f]{64}$"
LABEL = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
Precision = Literal["fp32", "fp16", "int8"]
# The hardware on which a file has the results of its evaluation. "exact int8" is for int8 files without spare bits:
# such files need processors that add products exactly, which x86 without VNNI does not.
ValidOn = Literal["any", "exact int8", "gpu"]
# Terminals and reports show these texts, so they have no control characters and none that change the text direction.
SHOWABLE = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
# Bytes, operations and rates are far below this limit, and sums of a few such numbers do not overflow.
LARGEST = 1e18
LARGEST_INT64 = 2**63 - 1
LARGEST_AXIS = 2**31 - 1
Label = Annotated[str, Field(pattern=LABEL, max_length=63)]
Text = Annotated[str, Field(pattern=SHOWABLE, max_length=2000)]
Count = Annotated[int, Field(ge=1, le=LARGEST_INT64)]
Number = Annotated[float, Field(ge=0, le=LARGEST)]
Opset = Annotated[int, Field(ge=1, le=1000)]
Labels = Annotated[list[Text], Field(max_length=100_000)]
Sha256 = Annotated[str, Field(pattern=SHA256)]
# Plain names, separated by slashes; none begins with a dot.
FilePath = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$", max_length=500)
]
ClassNumber = Annotated[int, Field(ge=0, le=LARGEST_AXIS)]
# The reason of each flag of a variant, by the name of the flag (`porting.repository.figures`).
Flags = Annotated[dict[Label, Text], Field(max_length=16)]
# The number of bins of the calibration error.
BINS = 15
# A value with the ends of its 95 % interval, null where it has none.
Figure = tuple[Number, Number | None, Number | None]


class Bounded(Record):
    """A record of untrusted origin: the number and the characters of its reasons are limited."""

    reasons: dict[Text, Text] = Field(default={}, max_length=64)


class Preprocessing(Value):
    """The steps from picture to input tensor: resize the short side, crop, scale, subtract `mean`, divide by `sd`."""

    size: int = Field(gt=0, le=65536)
    colour: Literal["RGB", "L"]
    mean: list[float] = Field(max_length=3)
    sd: list[float] = Field(max_length=3)
    resize: Literal["bilinear", "none"]
    crop: Literal["center"]
    scale: float = Field(gt=0)
    layout: Literal["NCHW"]
    dtype: Literal["float32"]


class TensorSpec(Value):
    """A tensor of the served model; `shape` is without the batch axis, and an axis of open size is -1."""

    name: Text = Field(min_length=1)
    shape: list[Annotated[int, Field(ge=-1, le=LARGEST_AXIS)]] = Field(max_length=8)
    dtype: Literal["float32"] = "float32"

    @model_validator(mode="after")
    def of_a_size_that_can_be_served(self) -> Self:
        """Raises `ValueError` for a tensor with more elements than 2³¹ − 1."""
        if math.prod(abs(axis) for axis in self.shape) > LARGEST_AXIS:
            raise ValueError(f"a tensor of shape {self.shape} is too large")
        return self


class Accuracy(Value):
    """Top-1 accuracy of the exported file on `n` images, with its 95 % Wilson interval.

    `chosen_by` names the choices that were made by the accuracy on this split, and which make it optimistic.
    """

    metric: Literal["top1"] = "top1"
    direction: Literal["higher"] = "higher"
    dataset: Text
    dataset_sha256: str = Field(pattern=SHA256)
    split: Literal["val", "test"]
    n: Count
    value: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    chosen_by: list[Text] = Field(default=[], max_length=200)


class ByClass(Bounded):
    """The answers of the exported file on the `n` images of a split, class by class.

    `balanced_accuracy` is the mean share of right answers over the classes of the split, and `macro_f1` their mean F1.
    `calibration_error` is the expected calibration error of `BINS` equal bins of confidence (Guo et al. 2017,
    equation 3): the mean over the images of the distance between accuracy and mean confidence in their bin.
    `confusion` has the images by true and by answered class, without the pairs that have none.
    """

    split: Literal["val", "test"]
    n: Count
    balanced_accuracy: float = Field(ge=0, le=1)
    macro_f1: float = Field(ge=0, le=1)
    calibration_error: float | None = Field(ge=0, le=1)
    confusion: Annotated[list[tuple[ClassNumber, ClassNumber, Count]], FailFast()]


class Step(Value):
    """A stage in the lineage of a variant: its settings, the package versions that affect it, and its duration."""

    stage: Text
    label: Text
    key: str = Field(pattern=SHA256)
    settings: dict[str, JsonValue]
    versions: dict[Text, Text]
    seconds: Number


Lineage = Annotated[list[Step], Field(max_length=100)]


class Standing(Value):
    """The results of a variant on one target: its dominance, and figures named as in `porting.repository.figures`.

    `unknown` holds the reasons for missing figures. The maximal throughput was measured with a closed loop of
    `concurrency` callers and `batch` inputs a request; `verdict` and `verdict_reason` say whether it can be
    relied on. `others_share` is the use of the cores by other processes meanwhile, null where the system does not
    report it. The frontier is that of validation accuracy and maximal throughput; `dominated_by` is null for a variant
    on it, and for one without a rank, whose figures that compare are unknown.
    """

    level: Level
    figures: dict[str, Figure] = Field(max_length=64)
    unknown: dict[str, Text] = Field(max_length=64)
    batch: Count
    concurrency: Count
    verdict: Verdict
    verdict_reason: Text
    others_share: float | None = Field(ge=0, le=1)
    on_frontier: bool
    ties_with: Annotated[list[str], FailFast()]
    dominated_by: str | None


class Summary(Bounded):
    """A variant in the index; published variants have a folder of their name, dropped ones do not.

    `version` is the Triton version of the file; a dropped variant keeps its number in case it is published again.
    `relative_accuracy` is the validation accuracy divided by the best one of the task on the same data, and
    `accuracy_rank` the rank by that accuracy, 1 for the best. `flags` says what is wrong with its answers.
    """

    name: Label
    task: Label
    backbone: Text
    technique: list[Text] = Field(max_length=64)
    precision: Precision
    valid_on: ValidOn = "any"
    parent: Label | None
    onnx_sha256: str = Field(pattern=SHA256)
    version: Count
    validation_accuracy: Accuracy | None
    test_accuracy: Accuracy | None
    flags: Flags = Field(default={})
    relative_accuracy: float | None = Field(ge=0, le=1)
    accuracy_rank: Count | None
    targets: dict[TargetName, Standing] = Field(max_length=1000)


class Published(Summary):
    """A variant that a server can load, with the digest of its details file."""

    details_sha256: str = Field(pattern=SHA256)


class Index(Bounded):
    """`repository.json`.

    `seal` exists only in the file and is the SHA-256 of the rest of it; `files` has the SHA-256 of the other files
    outside of the variants, by name.
    """

    seal: Sha256 = "0" * 64
    schema_version: Literal[2] = 2
    key: str = Field(pattern=SHA256)
    generator: Text
    published_at: datetime
    targets: dict[TargetName, Fingerprint] = Field(max_length=1000)
    files: dict[FilePath, Sha256] = Field(max_length=100)
    variants: Annotated[list[Published], FailFast()]
    dropped: Annotated[list[Summary], FailFast()]


class Details(Bounded):
    """`<variant>/variant.json`.

    `files` has the SHA-256 of every other file in the variant's folder, by path; it is empty before publication.
    """

    schema_version: Literal[2] = 2
    name: Label
    task: Label
    backbone: Text
    precision: Precision
    valid_on: ValidOn = "any"
    labels: Labels | None
    preprocessing: Preprocessing | None
    input: TensorSpec
    output: TensorSpec
    onnx_sha256: str = Field(pattern=SHA256)
    opset: Opset
    validation_accuracy: Accuracy | None
    test_accuracy: Accuracy | None
    flags: Flags = Field(default={})
    by_class: list[ByClass] = Field(default=[], max_length=2)
    lineage: Lineage
    profiles: dict[TargetName, Profile] = Field(max_length=1000)
    files: dict[FilePath, Sha256] = Field(default={}, max_length=10_000)
