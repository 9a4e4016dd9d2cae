"""The stored predictor: an ONNX file and its card, read with ONNX Runtime alone."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from pydantic import Field

from profiler.common.errors import BadInputError, ModelError
from profiler.common.files import read_record, sha256, write_atomically, write_record
from profiler.records.base import Kind, Record
from profiler.runtimes.session import open_session
from profiler.warm_up.features import Situation, values

FILE, CARD = "warm_up.onnx", "warm_up.json"
TRAIN_AGAIN = "train the predictor again"


class PredictionScore(Record):
    """A model's errors on held-out variants, as shares of the mean (CVRMSE) and of each value (MAPE)."""

    cvrmse_share: float = Field(ge=0)
    mape_share: float = Field(ge=0)


class PredictorFeature(Record):
    """One input of the predictor, its range in the training data, and its importance.

    `permutation_share` is the loss of R² of the logarithm on held-out variants when this feature is shuffled.
    """

    name: str
    unit: str
    low: float
    high: float
    impurity_share: float = Field(ge=0, le=1)
    permutation_share: float


class PredictorCard(Record):
    """The conditions and the errors of a stored predictor.

    The file with the digest `sha256` returns the first inference in ms, at the speed at which the reference reaches
    `reference_probe_per_s`. A row is the median of up to `repeats` observations. `left_out` has the reasons for
    features without a value, `folds` the variants that were held out together, and `scores` the errors of each model.
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
    """A predicted first inference; `outside` lists the features beyond the range of the training data."""

    kind: Kind = "predicted"
    batch: int = Field(ge=1)
    first_ms: float = Field(gt=0)
    outside: list[str]


@dataclass(frozen=True)
class WarmUpPredictor:
    """The predictor of a variant's first inference on the machine that its card names."""

    card: PredictorCard
    session: ort.InferenceSession

    def predict(self, situation: Situation) -> PredictedFirstInference:
        """The first inference at the card's reference speed; raises `BadInputError` where a feature is unknown."""
        found = values(situation)
        names = [feature.name for feature in self.card.features]
        unknown = [name for name in names if found.get(name) is None]
        if unknown:
            raise BadInputError(f"the predictor needs {', '.join(unknown)}, which are unknown")
        features = np.array([found[name] for name in names], np.float32)
        (answer,) = self.session.run(None, {"features": features[np.newaxis]})
        ranges = zip(self.card.features, features, strict=True)
        return PredictedFirstInference(
            batch=situation.batch,
            first_ms=float(answer.item()),
            outside=[feature.name for feature, value in ranges if not feature.low <= value <= feature.high],
        )


def save_predictor(folder: Path, file: bytes, card: PredictorCard) -> None:
    """Writes the file, then the card, whose digest shows whether both belong together."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / FILE, file)
    write_record(folder / CARD, card)


def load_predictor(folder: Path) -> WarmUpPredictor:
    """The stored predictor; raises `BadInputError` for a broken card, `ModelError` where its digest does not match."""
    card = read_record(folder / CARD, PredictorCard, TRAIN_AGAIN)
    path = folder / FILE
    if not path.exists() or sha256(path, TRAIN_AGAIN) != card.sha256:
        raise ModelError(f"{path} is missing or not the file that {CARD} names: {TRAIN_AGAIN}")
    return WarmUpPredictor(card, open_session(path, threads=1))
