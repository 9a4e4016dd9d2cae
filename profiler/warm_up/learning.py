"""The training of the predictor: from a table of first inferences to an ONNX file and its card."""

import hashlib
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np
from onnx import helper, numpy_helper

from profiler.common.errors import BadInputError
from profiler.warm_up.dataset import Dataset
from profiler.warm_up.evaluation import folds, permutation_shares, scores
from profiler.warm_up.features import FEATURES
from profiler.warm_up.predictor import PredictorCard, PredictorFeature
from profiler.warm_up.regression import ForestOverLine

LIBRARIES = {"sklearn": "scikit-learn", "skl2onnx": "skl2onnx"}
OPSET = 17


def learn(dataset: Dataset) -> tuple[bytes, PredictorCard]:
    """The model that is fitted to all rows, and its card; raises `BadInputError` for too few variants or libraries."""
    missing = [name for module, name in LIBRARIES.items() if find_spec(module) is None]
    if missing:
        raise BadInputError(f"the training needs {' and '.join(missing)}: pip install 'dnn-porting[porting]'")
    held_out = [sorted(set(dataset.variants[test])) for _, test in folds(dataset)]
    model = ForestOverLine(dataset.names).fit(dataset.features, dataset.corrected_ms)
    file = to_onnx(model, len(dataset.names))
    observation = dataset.observations[0]
    card = PredictorCard(
        sha256=hashlib.sha256(file).hexdigest(),
        machine=observation.machine,
        device=observation.device,
        threads=observation.threads,
        features=feature_records(dataset, model.forest.regressor_.feature_importances_),
        left_out=dataset.left_out,
        reference_probe_per_s=dataset.reference_per_s,
        rows=len(dataset.features),
        repeats=dataset.repeats,
        folds=held_out,
        scores=scores(dataset, dataset.corrected_ms),
        versions={"torch": observation.torch_version} | {name: version(name) for name in LIBRARIES.values()},
    )
    return file, card


def feature_records(dataset: Dataset, impurity_shares: np.ndarray) -> list[PredictorFeature]:
    """The features with their ranges and importances, in the order of the file's input."""
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


def to_onnx(model: ForestOverLine, features: int) -> bytes:
    """The model as an ONNX file: input `features` (N, features), output `first_ms` (N, 1)."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    initial = [("features", FloatTensorType([None, features]))]
    file = convert_sklearn(model.forest.regressor_, "warm_up", initial, target_opset=OPSET)
    line = model.line
    weights = np.zeros((features, 1), np.float32)
    weights[line.columns, 0] = line.fitted.coef_
    constants = {"weights": weights, "constant": [line.fitted.intercept_], "least_ms": [line.least_ms]}
    graph = file.graph
    (logarithm,) = graph.output
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()
    )
    graph.node.extend(
        [
            helper.make_node("Gemm", ["features", "weights", "constant"], ["line"]),
            helper.make_node("Max", ["line", "least_ms"], ["line_ms"]),
            helper.make_node("Exp", [logarithm.name], ["factor"]),
            helper.make_node("Mul", ["line_ms", "factor"], ["first_ms"]),
        ]
    )
    logarithm.name = "first_ms"
    return bytes(file.SerializeToString())
