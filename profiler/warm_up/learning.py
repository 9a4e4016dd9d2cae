"""From a table of first inferences to a predictor: a forest as an ONNX file, and its card."""

import hashlib
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from profiler.errors import BadInputError
from profiler.records.predictor import PredictorCard, PredictorFeature
from profiler.warm_up.dataset import Dataset
from profiler.warm_up.evaluation import folds, forest, permutation_shares, scores
from profiler.warm_up.features import FEATURES

LIBRARIES = {"sklearn": "scikit-learn", "skl2onnx": "skl2onnx"}
OPSET = 17


def learn(dataset: Dataset) -> tuple[bytes, PredictorCard]:
    """The forest that learned from all rows, and how well its like foretold variants that were held out.

    Raises `BadInputError` where there are too few variants, or where the libraries for learning are missing.
    """
    missing = [name for module, name in LIBRARIES.items() if find_spec(module) is None]
    if missing:
        raise BadInputError(f"learning needs {' and '.join(missing)}: pip install 'dnn-porting[porting]'")
    held_out = [sorted(set(dataset.variants[test])) for _, test in folds(dataset)]
    fitted = forest().fit(dataset.features, np.log(dataset.corrected_ms))
    file = to_onnx(fitted, len(dataset.names))
    observation = dataset.observations[0]
    card = PredictorCard(
        sha256=hashlib.sha256(file).hexdigest(),
        machine=observation.machine,
        device=observation.device,
        threads=observation.threads,
        features=described(dataset, fitted.feature_importances_),
        left_out=dataset.left_out,
        reference_probe_per_s=dataset.reference_per_s,
        rows=len(dataset.features),
        repeats=dataset.repeats,
        folds=held_out,
        scores=scores(dataset, dataset.corrected_ms),
        versions={"torch": observation.torch_version} | {name: version(name) for name in LIBRARIES.values()},
    )
    return file, card


def described(dataset: Dataset, impurity_shares: np.ndarray) -> list[PredictorFeature]:
    """Each feature with its range and its importances, in the order of the file's input."""
    shares = zip(dataset.names, dataset.features.T, impurity_shares, permutation_shares(dataset), strict=True)
    return [
        PredictorFeature(
            name=name,
            unit=FEATURES[name].unit,
            low=float(column.min()),
            high=float(column.max()),
            impurity_share=float(impurity),
            permutation_share=float(permutation),
        )
        for name, column, impurity, permutation in shares
    ]


def to_onnx(fitted: Any, features: int) -> bytes:
    """The forest as an ONNX file: input `features` (N, features), one output (N, 1)."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    initial = [("features", FloatTensorType([None, features]))]
    model = convert_sklearn(fitted, "warm_up", initial, target_opset=OPSET)
    return bytes(model.SerializeToString())
