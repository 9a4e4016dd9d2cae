"""Models are scored on held-out variants and backbones, beside simpler models."""

import zlib
from dataclasses import replace

import numpy as np
import pytest
from made_warm_up import BACKBONES, BATCHES, family, measured_profile, network, rule_ms
from narrowing import known

from profiler.common.errors import BadInputError, ModelError
from profiler.records.profile import Profile
from profiler.warm_up import regression
from profiler.warm_up.dataset import Dataset, Measured, first_inferences, load_times, tabulate
from profiler.warm_up.evaluation import MODELS, WITH_FOREST, errors, score
from profiler.warm_up.features import features


@pytest.fixture(autouse=True)
def _small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression, "TREES", 20)


@pytest.fixture(scope="module")
def table() -> Dataset:
    return tabulate(family(), "first_inference_ms")


def test_every_variant_and_batch_has_one_row(table: Dataset) -> None:
    assert len(table.times_ms) == len(BACKBONES) * 6 * len(BATCHES)
    assert table.features[: len(BATCHES), table.names.index("batch")].tolist() == list(BATCHES)
    assert set(table.backbones) == set(BACKBONES)


def test_the_size_is_that_of_the_graph() -> None:
    found = features(network(16, 10), 4)
    assert found["batch_macs"] == pytest.approx(4 * 256 * 9 * 16**2 * 10 / 1e9)
    assert found["activation_bytes"] == pytest.approx(4 * 16 * 256 * 10 / 2**20)
    assert found["layers"] == 10


def test_a_network_of_unknown_size_is_left_out() -> None:
    unknown = measured_profile(8, 10).model_copy(update={"layers": ()})
    with pytest.raises(ModelError, match="cannot be predicted"):
        features(unknown, 1)
    with pytest.raises(BadInputError, match=r"no profile has first_inference_ms: .*profile=full"):
        tabulate([Measured("a", "b", unknown)], "first_inference_ms")


def test_a_disturbed_time_and_one_with_other_resources_do_not_count() -> None:
    profile = measured_profile(8, 10)
    disturbed, other, *rest = profile.first_inference
    noise = disturbed.noise.model_copy(update={"disturbed": True})
    changed = (disturbed.model_copy(update={"noise": noise}), other.model_copy(update={"cores": 2.0}), *rest)
    assert list(first_inferences(profile.model_copy(update={"first_inference": changed}))) == list(BATCHES[2:])


def test_the_load_time_is_that_with_a_warm_page_cache() -> None:
    profile = measured_profile(8, 10)
    cold = profile.load_time[0].model_copy(update={"page_cache": "cold", "mean_ms": 900.0})
    found = load_times(profile.model_copy(update={"load_time": (cold, *profile.load_time)}))
    assert found == {1: profile.load_time[0].mean_ms}


def test_the_scores_are_those_of_the_paper() -> None:
    found = score(np.array([10.0, 30.0]), np.array([12.0, 30.0]))
    assert found.cvrmse_share == pytest.approx(np.sqrt(2.0) / 20)
    assert found.mape_share == pytest.approx(0.1)


def test_a_rule_that_the_backbones_share_reaches_the_errors_of_the_paper(table: Dataset) -> None:
    found = errors(MODELS[WITH_FOREST], table)
    assert known(found.by_backbone).cvrmse_share < 0.22
    assert known(found.by_backbone).mape_share < 0.125
    assert known(found.by_variant).cvrmse_share < 0.15
    assert known(found.by_variant).mape_share < 0.08


def test_a_forest_alone_does_not_reach_another_backbone_and_a_line_does(table: Dataset) -> None:
    line, alone = (errors(MODELS[name], table) for name in ("line alone", "forest alone"))
    assert known(line.by_backbone).mape_share < 0.05
    assert known(alone.by_backbone).mape_share > 0.1


def test_a_backbone_with_a_rule_of_its_own_cannot_be_learned_from_others() -> None:
    def peculiar(profile: Profile, batch: int) -> float:
        return rule_ms(profile, batch) * (1 + zlib.crc32(str(len(profile.layers)).encode()) % 7)

    found = errors(MODELS[WITH_FOREST], tabulate(family(rule=peculiar), "first_inference_ms"))
    assert known(found.by_backbone).mape_share > 0.3
    assert known(found.by_variant).mape_share < 0.15


def test_two_backbones_are_too_few_and_the_reason_says_so(table: Dataset) -> None:
    two = replace(table, backbones=np.where(table.backbones == "deep", "deep", "middle"))
    found = errors(MODELS[WITH_FOREST], two)
    assert found.by_backbone is None
    assert found.reasons["by_backbone"] == "the error needs 3 backbones with measured times, and there are fewer"
    assert found.by_variant is not None


def test_a_line_that_falls_below_zero_ends_at_a_tenth_of_the_shortest_time() -> None:
    line = regression.Line(list(regression.TREND))
    rising = np.array([[layers, 0, 0, 0] for layers in (1.0, 2.0, 3.0)])
    line.fit(rising, np.array([10.0, 20.0, 30.0]))
    assert line.predict(np.array([[-4.0, 0, 0, 0], [4.0, 0, 0, 0]])) == pytest.approx([1, 40])
