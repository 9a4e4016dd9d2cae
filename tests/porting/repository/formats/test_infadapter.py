"""InfAdapter's table and environment, read back by its own rules: capacities, objective, order and units."""

from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from convertible import (
    ACCURATE,
    FAST,
    MIB,
    TARGET,
    accurate,
    capacities,
    conversion,
    convertible_repository,
    fast,
)
from infadapter_rules import adapter, trained, variables
from kubernetes_rules import amount

from porting.repository import Repository
from porting.repository.formats import infadapter
from profiler.common.errors import BadInputError

ONE_CORE_PER_S, FASTER = 400.0, 2
# 5 times 1.7 ms, and 2 times it.
LOOSE_MS, TIGHT_MS = 8.5, 3.4


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return convertible_repository(tmp_path_factory.mktemp("infadapter"))


@pytest.fixture(scope="module")
def texts(repository: Repository) -> dict[str, str]:
    return infadapter.files(conversion(repository)).texts


@pytest.fixture(scope="module")
def table(texts: dict[str, str]) -> pd.DataFrame:
    return pd.read_csv(StringIO(texts["digits/capacity.csv"]))


def test_each_task_has_a_table_and_an_environment(texts: dict[str, str]) -> None:
    assert texts.keys() == {"digits/capacity.csv", "digits/infadapter.env"}


def test_a_greater_version_is_more_accurate_and_every_list_is_in_that_order(texts: dict[str, str]) -> None:
    found = adapter(texts["digits/infadapter.env"])
    assert found.base_model == "digits"
    assert found.versions == [1, 2]
    assert list(found.accuracies) == list(found.load_times) == list(found.memory) == found.versions
    assert list(found.accuracies.values()) == [0.8, 0.9]


def test_load_times_are_seconds_and_memory_a_kubernetes_quantity(texts: dict[str, str]) -> None:
    found = adapter(texts["digits/infadapter.env"])
    assert found.load_times[2] == pytest.approx(0.208)
    assert [amount(found.memory[number]) for number in (1, 2)] == [322 * MIB, 342 * MIB]


def test_the_objective_is_in_whole_milliseconds_and_every_version_has_a_deadline_within_it(
    texts: dict[str, str], table: pd.DataFrame
) -> None:
    found = adapter(texts["digits/infadapter.env"])
    assert found.objective_ms == 4
    rows = table[table["SLA"] == found.objective_ms]
    assert set(rows["ARCH"]) == set(found.versions)
    assert (rows["deadline_ms"] <= found.objective_ms).all()
    assert rows[rows["variant"] == ACCURATE]["deadline_ms"].tolist() == pytest.approx([TIGHT_MS] * 3)


def test_capacities_are_requests_a_second_at_the_longest_deadline_within_the_objective(table: pd.DataFrame) -> None:
    loose = table[(table["SLA"] == 9) & (table["CPU"] == 1)].set_index("variant")["capacity"]
    assert loose[ACCURATE] == pytest.approx(ONE_CORE_PER_S)
    assert loose[FAST] == pytest.approx(ONE_CORE_PER_S * FASTER)
    tight = table[(table["SLA"] == 4) & (table["CPU"] == 1)].set_index("variant")["capacity"]
    assert tight[ACCURATE] == pytest.approx(ONE_CORE_PER_S * 2 / 5)


def test_its_trained_lines_give_back_the_measured_capacities(texts: dict[str, str]) -> None:
    found = adapter(texts["digits/infadapter.env"])
    slower, quicker = 1, 0
    lines = list(trained(texts["digits/capacity.csv"], found.versions, 9))
    for cores in (1, 2):
        assert lines[slower].requests_per_s(cores) == pytest.approx(ONE_CORE_PER_S * cores)
        assert lines[quicker].requests_per_s(cores) == pytest.approx(ONE_CORE_PER_S * FASTER * cores)


def test_saturation_is_the_maximum_of_the_same_resources_and_batch_and_else_unknown(table: pd.DataFrame) -> None:
    at_one_core = table[(table["CPU"] == 1) & (table["SLA"] == 9)].set_index("variant")["saturation_tp"]
    assert at_one_core[ACCURATE] == pytest.approx(470.0)
    assert at_one_core[FAST] == pytest.approx(1200.0)
    assert table[(table["CPU"] == 0.5)]["saturation_tp"].isna().all()
    assert table["p99_latency"].isna().all()


def test_nothing_stands_in_the_environment_that_was_not_measured(texts: dict[str, str]) -> None:
    assert variables(texts["digits/infadapter.env"]).keys() == {
        "BASE_MODEL_NAME", "MODEL_VERSIONS", "BASELINE_ACCURACIES", "MEMORY_SIZES", "LOAD_TIMES", "LATENCY_SLO_MS",
    }  # fmt: skip
    assert "not measured, to be set by the user: BASE_SERVICE_NAME" in texts["digits/infadapter.env"]


def test_capacities_through_which_it_would_fit_no_line_are_refused_with_the_way_to_measure_more(tmp_path: Path) -> None:
    one_core = tuple(point for point in capacities() if point.cores <= 1)
    made = convertible_repository(tmp_path, accurate(capacity=one_core), fast())
    with pytest.raises(BadInputError, match=rf"at 0\.5, 1 cores, .*'profile.capacity.cores=\[1,2\]' target={TARGET}"):
        infadapter.files(conversion(made))


def test_memory_that_was_not_measured_is_named(tmp_path: Path) -> None:
    made = convertible_repository(tmp_path, accurate(memory=()), fast())
    with pytest.raises(BadInputError, match=f"{ACCURATE} has no memory of serving processes: .*profile=full"):
        infadapter.files(conversion(made))
