"""The stored predictor: an ONNX file and its card, read with ONNX Runtime alone."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort

from profiler.common.errors import BadInputError, ModelError
from profiler.common.files import read_record, sha256, write_atomically, write_record
from profiler.records.predictor import PredictedFirstInference, PredictorCard
from profiler.runtimes.session import open_session
from profiler.warm_up.features import Situation, values

FILE, CARD = "warm_up.onnx", "warm_up.json"
LEARN_AGAIN = "learn the predictor again"


@dataclass(frozen=True)
class WarmUpPredictor:
    """Foretells the first inference of a variant, on the machine that its card names."""

    card: PredictorCard
    session: ort.InferenceSession

    def foretell(self, situation: Situation) -> PredictedFirstInference:
        """At the speed of the card's probe; raises `BadInputError` where the situation lacks a feature."""
        found = values(situation)
        names = [feature.name for feature in self.card.features]
        unknown = [name for name in names if found.get(name) is None]
        if unknown:
            raise BadInputError(f"the predictor needs {', '.join(unknown)}, which nobody told it")
        features = np.array([found[name] for name in names], np.float32)
        (answer,) = self.session.run(None, {"features": features[np.newaxis]})
        ranges = zip(self.card.features, features, strict=True)
        return PredictedFirstInference(
            batch=situation.batch,
            first_ms=float(answer.item()),
            outside=[feature.name for feature, value in ranges if not feature.low <= value <= feature.high],
        )


def save_predictor(folder: Path, file: bytes, card: PredictorCard) -> None:
    """Writes both; the card last, as its digest says whether the file is the one that it speaks of."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / FILE, file)
    write_record(folder / CARD, card)


def load_predictor(folder: Path) -> WarmUpPredictor:
    """Raises `BadInputError` where the card is missing or broken, `ModelError` where the file is not its own."""
    card = read_record(folder / CARD, PredictorCard, LEARN_AGAIN)
    path = folder / FILE
    if not path.exists() or sha256(path, LEARN_AGAIN) != card.sha256:
        raise ModelError(f"{path} is missing or not the file that {CARD} speaks of: {LEARN_AGAIN}")
    return WarmUpPredictor(card, open_session(path, threads=1))
