"""The stored predictor gives the values of scikit-learn, knows its range, and is checked when it is read."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_warm_up import BACKBONES, BATCHES, family, measured_profile, network, rule_ms, stepped_ms
from narrowing import known

from profiler.common.errors import BadInputError
from profiler.common.files import read_record, sealed, write_record
from profiler.warm_up import regression
from profiler.warm_up.dataset import Measured, tabulate
from profiler.warm_up.evaluation import LINE, WITH_FOREST
from profiler.warm_up.features import features
from profiler.warm_up.predictor import TargetPredictors, TimePredictor
from profiler.warm_up.regression import ForestOverLine
from profiler.warm_up.training import train

UNSEEN = network(width=17, layers=20)


@pytest.fixture(scope="module")
def predictor() -> Iterator[TimePredictor]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(regression, "TREES", 20)
        yield train(family(rule=stepped_ms), "first_inference_ms")


@pytest.fixture
def stored(predictor: TimePredictor, tmp_path: Path) -> Path:
    path = tmp_path / "local_cpu.json"
    fingerprint = UNSEEN.fingerprint
    write_record(path, TargetPredictors(target_name="local_cpu", fingerprint=fingerprint, predictors=(predictor,)))
    return path


def read(path: Path) -> TargetPredictors:
    return read_record(path, TargetPredictors, "train it again")


def change(path: Path, field: str, value: list[Any]) -> None:
    """Puts other values in front of an array of the first tree, under a valid seal."""
    content = json.loads(path.read_text())
    del content["seal"]
    tree = content["predictors"][0]["trees"][0]
    tree[field] = [*value, *tree[field][1:]]
    path.write_text(sealed(json.dumps(content, indent=1)))


def test_the_record_answers_as_scikit_learn_does(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression, "TREES", 20)
    table = tabulate(family(rule=stepped_ms), "first_inference_ms")
    model = ForestOverLine(table.names).fit(table.features, table.times_ms)
    (predictor,) = read(stored).predictors
    between = table.features * np.random.default_rng(0).uniform(0.8, 1.2, table.features.shape).astype(np.float32)
    for rows in (table.features, between):
        answers = [predictor.predict(dict(zip(table.names, map(float, row), strict=True)), "deep", 1) for row in rows]
        assert [one.time_ms for one in answers if one] == pytest.approx(model.predict(rows), rel=1e-5)


@pytest.mark.parametrize("batch", BATCHES)
def test_it_predicts_a_variant_that_it_has_not_seen(predictor: TimePredictor, batch: int) -> None:
    found = predictor.predict(features(UNSEEN, batch), "middle", batch)
    assert found is not None
    assert (found.kind, found.batch, found.outside) == ("predicted", batch, ())
    assert found.time_ms == pytest.approx(stepped_ms(UNSEEN, batch), rel=0.15)


@pytest.mark.parametrize(("backbone", "by"), [("deep", "variant"), ("other", "backbone")])
def test_a_prediction_has_the_error_of_its_kind_of_variant(predictor: TimePredictor, backbone: str, by: str) -> None:
    expected = getattr(next(iter(predictor.errors.values())), f"by_{by}")
    found = predictor.predict(features(UNSEEN, 1), backbone, 1)
    assert found is not None
    assert (found.held_out, found.mape_share, found.cvrmse_share) == (by, expected.mape_share, expected.cvrmse_share)
    assert f"mean error on held-out {by}s" in str(found)


def test_without_an_error_for_another_backbone_there_is_no_prediction(predictor: TimePredictor) -> None:
    own = next(iter(predictor.errors.values()))
    unknown = own.model_copy(update={"by_backbone": None, "reasons": {"by_backbone": "too few"}})
    one = predictor.model_copy(update={"errors": {LINE: unknown}})
    assert one.predict(features(UNSEEN, 1), "other", 1) is None
    assert one.predict(features(UNSEEN, 1), "deep", 1) is not None


def test_it_names_the_features_beyond_its_data(predictor: TimePredictor) -> None:
    found = predictor.predict(features(UNSEEN, 64), "deep", 64)
    assert found is not None
    assert "batch" in found.outside
    assert "outside of its data in batch" in str(found)


def test_a_changed_byte_is_found(stored: Path) -> None:
    stored.write_text(stored.read_text().replace('"rows": 180', '"rows": 181'))
    with pytest.raises(BadInputError, match=r"damaged .*train it again"):
        read(stored)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("left", [0], "leads to no later node"),
        ("right", [10**6], "leads to no later node"),
        ("feature", [99], "does not have"),
        ("threshold", [None], "valid number"),
        ("feature", [0, 0], "different lengths"),
    ],
)
def test_a_tree_that_cannot_be_followed_is_refused(stored: Path, field: str, value: list[Any], message: str) -> None:
    change(stored, field, value)
    with pytest.raises(BadInputError, match=message):
        read(stored)


def test_the_forest_is_published_only_where_it_lowers_the_error(
    predictor: TimePredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert next(iter(predictor.errors)) == WITH_FOREST
    assert len(predictor.trees) == 20
    monkeypatch.setattr(regression, "TREES", 20)
    plain = train(family(), "first_inference_ms")
    assert next(iter(plain.errors)) == LINE
    assert set(plain.errors) == set(predictor.errors)
    found = plain.predict(features(UNSEEN, 4), "deep", 4)
    assert found is not None
    assert found.time_ms == pytest.approx(rule_ms(UNSEEN, 4), rel=0.05)
    assert found.mape_share == known(plain.errors[LINE].by_variant).mape_share


def test_a_backbone_of_one_variant_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression, "TREES", 5)
    lone = Measured("lone", "lone", measured_profile(16, 24))
    assert train([*family(widths=2), lone], "first_inference_ms").backbones == tuple(sorted(BACKBONES))


def test_without_scikit_learn_the_training_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(BadInputError, match=r"the training needs scikit-learn: pip install 'dnn-porting\[porting\]'"):
        train(family(widths=3), "first_inference_ms")
