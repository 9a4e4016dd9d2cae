"""The warm-up predictor: what it learns from, how far it can be trusted, and what it says."""

from pydantic import Field

from profiler.records.base import Kind, Record
from profiler.records.state import SystemState


class NetworkSize(Record):
    """How large a network is; work and memory are those of one input.

    `layers` counts the nodes that have work or parameters, `activation_bytes` is what they write, in fp32.
    """

    parameters: int = Field(ge=1)
    macs: int = Field(ge=1)
    file_bytes: int = Field(ge=1)
    layers: int = Field(ge=1)
    activation_bytes: int = Field(ge=1)


class WarmUpObservation(Record):
    """The first inference after a fresh load in a fresh process.

    `state` is the system's between load and first inference; `warm_ms` the median of a few inferences after it;
    `probe_per_s` the reference probe's rate around the observation.
    """

    kind: Kind = "measured"
    variant: str
    sha256: str
    machine: str
    torch_version: str
    device: str
    threads: int = Field(ge=1)
    batch: int = Field(ge=1)
    repeat: int = Field(ge=0)
    size: NetworkSize
    state: SystemState
    first_ms: float = Field(gt=0)
    warm_ms: float = Field(gt=0)
    probe_per_s: float = Field(gt=0)


class FailedObservation(Record):
    """An observation that was tried and could not be made."""

    variant: str
    batch: int = Field(ge=1)
    repeat: int = Field(ge=0)
    reason: str


class PredictionScore(Record):
    """Errors on variants that a model has not seen, as shares: of the mean (CVRMSE), and of each value (MAPE)."""

    cvrmse_share: float = Field(ge=0)
    mape_share: float = Field(ge=0)


class PredictorFeature(Record):
    """One input of the predictor, its range in what was learned, and how much depends on it.

    `impurity_share` is its part of what the splits of the forest gained. `permutation_share` is the variance (R² of
    the logarithm) of variants not seen that the predictor no longer explains when this feature's values are
    shuffled; below 0, shuffling helped.
    """

    name: str
    unit: str
    low: float
    high: float
    impurity_share: float = Field(ge=0, le=1)
    permutation_share: float


class PredictorCard(Record):
    """What stands beside a stored predictor and makes its numbers mean something.

    The file, whose digest is `sha256`, answers the first inference's milliseconds at the speed at which the probe
    reaches `reference_probe_per_s`. A row is the median of up to `repeats` observations.
    `left_out` are features without a value here, with the reason; `folds` the variants held out together;
    `scores` the errors of each model over all folds, by its name.
    """

    kind: Kind = "predicted"
    sha256: str
    machine: str
    device: str
    threads: int = Field(ge=1)
    features: list[PredictorFeature] = Field(min_length=1)
    left_out: dict[str, str]
    reference_probe_per_s: float = Field(gt=0)
    rows: int = Field(ge=1)
    repeats: int = Field(ge=1)
    folds: list[list[str]]
    scores: dict[str, PredictionScore]
    versions: dict[str, str]


class PredictedFirstInference(Record):
    """A first inference that nobody timed; `outside` are the features that lie beyond what was learned."""

    kind: Kind = "predicted"
    batch: int = Field(ge=1)
    first_ms: float = Field(gt=0)
    outside: list[str]
