"""Models are scored on held-out variants, beside simpler models on the same folds."""

import zlib

import numpy as np
import pytest
from first_inferences import family, rule_ms

from profiler.common.errors import BadInputError
from profiler.warm_up import regression
from profiler.warm_up.dataset import Dataset, tabulate
from profiler.warm_up.evaluation import FOLDS, folds, held_out, permutation_shares, score, scores
from profiler.warm_up.observations import NetworkSize
from profiler.warm_up.regression import Line


@pytest.fixture(autouse=True)
def _small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression, "TREES", 30)


@pytest.fixture(scope="module")
def table() -> Dataset:
    return tabulate(list(family()))


def test_no_variant_stands_on_both_sides_of_a_fold(table: Dataset) -> None:
    found = list(folds(table))
    assert found
    for learn, test in found:
        assert not set(table.variants[learn]) & set(table.variants[test])


def test_every_row_is_held_out_once(table: Dataset) -> None:
    tested = np.concatenate([test for _, test in folds(table)])
    assert sorted(tested) == list(range(len(table.variants)))


def test_too_few_variants_are_refused() -> None:
    with pytest.raises(BadInputError, match=f"{FOLDS - 1} variants are too few for .* {FOLDS}"):
        folds(tabulate(list(family(variants=FOLDS - 1))))


def test_the_scores_are_those_of_the_paper() -> None:
    found = score(np.array([10.0, 30.0]), np.array([12.0, 30.0]))
    assert found.cvrmse_share == pytest.approx(np.sqrt(2.0) / 20)
    assert found.mape_share == pytest.approx(0.1)


def test_where_size_matters_the_predictor_beats_the_batch_alone(table: Dataset) -> None:
    found = scores(table, table.corrected_ms)
    whole, batch_only = found["predictor"], found["predictor, batch only"]
    assert whole.cvrmse_share < 0.5 * batch_only.cvrmse_share
    assert whole.mape_share < 0.5 * batch_only.mape_share


def test_where_the_rule_is_linear_the_line_finds_it(table: Dataset) -> None:
    assert scores(table, table.corrected_ms)["line alone"].mape_share < 0.02


def test_the_largest_network_is_foretold_better_than_by_a_forest_alone(table: Dataset) -> None:
    largest = np.argmax(table.corrected_ms)
    error_ms = {
        model: abs(held_out(model, table, table.corrected_ms)[largest] - table.corrected_ms[largest])
        for model in ("predictor", "forest alone")
    }
    assert error_ms["predictor"] < 0.5 * error_ms["forest alone"]


def test_a_line_that_falls_below_zero_ends_at_the_shortest_time() -> None:
    batches = np.array([[1.0], [2.0], [3.0]])
    line = Line(["batch"]).fit(batches, np.array([10.0, 20.0, 30.0]))
    assert line.predict(np.array([[-4.0], [4.0]])) == pytest.approx([10, 40])


def test_where_the_batch_alone_matters_knowing_the_size_gains_nothing() -> None:
    def rule(_: NetworkSize, batch: int) -> float:
        return 20.0 + batch

    table = tabulate(list(family(rule=rule)))
    found = scores(table, table.corrected_ms)
    assert found["predictor, batch only"].mape_share <= found["predictor"].mape_share


def test_what_is_peculiar_to_a_variant_cannot_be_learned_from_others() -> None:
    def peculiar(network: NetworkSize, batch: int) -> float:
        luck = np.random.default_rng(zlib.crc32(network.model_dump_json().encode()))
        return rule_ms(network, batch) * float(np.exp(luck.standard_normal()))

    table = tabulate(list(family(rule=peculiar)))
    found = score(table.corrected_ms, held_out("predictor", table, table.corrected_ms))
    assert found.mape_share > 0.4


def test_shuffling_what_matters_costs_more_than_shuffling_what_does_not(table: Dataset) -> None:
    shares = dict(zip(table.names, permutation_shares(table), strict=True))
    assert shares["layers"] > 10 * abs(shares["involuntary_switches"])
