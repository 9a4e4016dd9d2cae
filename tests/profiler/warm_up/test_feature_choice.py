"""The forest of the paper finds the features that decide first inferences among all that the monitor has."""

import numpy as np
import pytest
from made_warm_up import network
from narrowing import known

from profiler.common.archives import Samples
from profiler.common.errors import BadInputError
from profiler.warm_up import regression
from profiler.warm_up.dataset import Measured
from profiler.warm_up.feature_choice import select

SWITCHES, LOAD = "process/involuntary_proc_ctx_switches", "cpu/load/avg_sys_load_one_min_percent"
REQUESTED, BUSY = "03_gpu_mem/requested_bytes.all.current", "disk/time/disk_busy_time_sys_s"
NAMES = [LOAD, BUSY, SWITCHES, REQUESTED, "process/memory/lib_memory_proc_MB"]
LOADS = 12


@pytest.fixture(autouse=True)
def _small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression, "TREES", 20)


def monitored(variant: int) -> tuple[Measured, Samples]:
    """First inferences that the switches, the requested bytes and the batch decide; one feature is unknown."""
    generator = np.random.default_rng(variant)
    samples: Samples = {"monitor_features": np.array(NAMES), "load_warm_ms": np.ones(2)}
    for batch in (1, 4, 16):
        features = generator.uniform(1, 100, (LOADS, len(NAMES)))
        features[:, -1] = np.nan
        times_ms = 5 + 3 * features[:, 2] + features[:, 3] + 4 * batch
        samples |= {f"monitor_batch_{batch}": features, f"first_inference_batch_{batch}_ms": times_ms}
    return Measured(f"v{variant}", f"backbone{variant % 3}", network(8, 10)), samples


def test_what_decides_is_chosen_and_an_unknown_feature_is_left_out() -> None:
    found = select([monitored(variant) for variant in range(6)])
    assert found.rows == 6 * 3 * LOADS
    assert set(found.chosen[:3]) == {SWITCHES, REQUESTED, "batch"}
    assert next(iter(found.importance)) == SWITCHES
    assert found.unknown == [NAMES[-1]]
    assert NAMES[-1] not in found.importance
    assert len(found.chosen) == 4


def test_the_forest_of_the_chosen_features_is_scored_beside_that_of_the_papers() -> None:
    found = select([monitored(variant) for variant in range(6)])
    assert list(found.errors) == ["all", "chosen", "the paper's that are known"]
    for one in found.errors.values():
        assert known(one.by_backbone).mape_share < 0.2


def test_samples_without_the_monitor_are_refused_with_the_setting() -> None:
    one, samples = monitored(0)
    plain = {name: values for name, values in samples.items() if not name.startswith("monitor")}
    with pytest.raises(BadInputError, match=r"no samples have .*profile\.monitor=true"):
        select([(one, plain)])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("monitor_batch_4", np.ones((3, 2))),
        ("monitor_batch_4", np.full((LOADS, len(NAMES)), "text")),
        ("monitor_batch_4", np.array(1.0)),
        ("first_inference_batch_4_ms", np.zeros(LOADS)),
        ("first_inference_batch_4_ms", np.array(1.0)),
        ("first_inference_batch_4_ms", np.full(LOADS, np.nan)),
    ],
)
def test_features_that_do_not_fit_their_first_inferences_are_refused(name: str, values: np.ndarray) -> None:
    one, samples = monitored(0)
    with pytest.raises(BadInputError, match="monitor_batch_4 do not fit"):
        select([(one, samples | {name: values})])
