"""The stored predictor returns the forest's values, knows its training range, and refuses any other file."""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from first_inferences import BATCHES, family, rule_ms, size, state

from profiler.common.errors import BadInputError, ModelError
from profiler.common.files import sealed
from profiler.system.monitor.system_state import SystemState
from profiler.warm_up import learning, regression
from profiler.warm_up.dataset import Dataset, tabulate
from profiler.warm_up.evaluation import folds
from profiler.warm_up.features import MIB, Situation
from profiler.warm_up.learning import learn, to_onnx
from profiler.warm_up.predictor import CARD, FILE, PredictorCard, load_predictor, save_predictor
from profiler.warm_up.regression import ForestOverLine

NETWORK = size(width=17, layers=20)


def seen_state() -> SystemState:
    return state(400 + NETWORK.file_bytes / MIB)


@pytest.fixture(scope="module")
def table() -> Dataset:
    return tabulate(list(family()))


@pytest.fixture(scope="module")
def learned(table: Dataset) -> Iterator[tuple[bytes, PredictorCard]]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(regression, "TREES", 30)
        yield learn(table)


@pytest.fixture
def folder(learned: tuple[bytes, PredictorCard], tmp_path: Path) -> Path:
    save_predictor(tmp_path / "predictor", *learned)
    return tmp_path / "predictor"


def test_the_onnx_file_answers_as_scikit_learn_does(table: Dataset) -> None:
    fitted = ForestOverLine(table.names).fit(table.features, table.corrected_ms)
    session = ort.InferenceSession(to_onnx(fitted, len(table.names)))
    generator = np.random.default_rng(0)
    between = table.features * generator.uniform(0.8, 1.2, table.features.shape).astype(np.float32)
    for features in (table.features, between):
        (answers,) = session.run(None, {"features": features})
        np.testing.assert_allclose(answers[:, 0], fitted.predict(features), rtol=1e-5)


def test_it_is_a_plain_onnx_file(folder: Path) -> None:
    model = onnx.load(folder / FILE)
    onnx.checker.check_model(model)
    assert {node.op_type for node in model.graph.node} == {"TreeEnsembleRegressor", "Gemm", "Max", "Exp", "Mul"}


@pytest.mark.parametrize("batch", BATCHES)
def test_it_foretells_a_variant_that_it_has_not_seen(folder: Path, batch: int) -> None:
    foretold = load_predictor(folder).predict(Situation(batch, NETWORK, seen_state()))
    assert foretold.kind == "predicted"
    assert foretold.outside == []
    assert foretold.first_ms == pytest.approx(rule_ms(NETWORK, batch), rel=0.15)


def test_it_says_what_lies_beyond_what_it_learned(folder: Path) -> None:
    foretold = load_predictor(folder).predict(Situation(64, NETWORK, seen_state()))
    assert foretold.outside == ["batch"]


def test_the_card_tells_what_stood_together_in_a_fold(learned: tuple[bytes, PredictorCard], table: Dataset) -> None:
    _, card = learned
    assert card.folds == [sorted(set(table.variants[test])) for _, test in folds(table)]
    assert sorted(chain.from_iterable(card.folds)) == sorted(set(table.variants))


def test_the_card_tells_scores_importances_and_versions(learned: tuple[bytes, PredictorCard], table: Dataset) -> None:
    _, card = learned
    assert [feature.name for feature in card.features] == table.names
    assert sum(feature.impurity_share for feature in card.features) == pytest.approx(1)
    assert card.scores["predictor"].mape_share < card.scores["predictor, batch only"].mape_share
    assert set(card.versions) == {"torch", "scikit-learn", "skl2onnx"}
    assert card.rows == len(table.features)


def test_another_file_beside_the_card_is_refused(folder: Path) -> None:
    content = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ModelError, match="missing or not the file that"):
        load_predictor(folder)


def test_a_missing_file_or_card_is_refused(folder: Path) -> None:
    (folder / FILE).unlink()
    with pytest.raises(ModelError, match="missing or not the file that"):
        load_predictor(folder)
    (folder / CARD).unlink()
    with pytest.raises(BadInputError, match="does not exist: train the predictor again"):
        load_predictor(folder)


def test_a_feature_that_nobody_told_is_named(folder: Path) -> None:
    card = json.loads((folder / CARD).read_text())
    card["features"][0]["name"] = "allocator_requested_bytes"
    del card["seal"]
    (folder / CARD).write_text(sealed(json.dumps(card, indent=1)))
    with pytest.raises(BadInputError, match="needs allocator_requested_bytes, which are unknown"):
        load_predictor(folder).predict(Situation(1, NETWORK, seen_state()))


@pytest.mark.parametrize("library", ["sklearn", "skl2onnx"])
def test_without_a_library_learning_names_the_extra(
    library: str, table: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = find_spec
    monkeypatch.setattr(learning, "find_spec", lambda name: None if name == library else there(name))
    with pytest.raises(BadInputError, match=r"the training needs .*: pip install 'dnn-porting\[porting\]'"):
        learn(table)
