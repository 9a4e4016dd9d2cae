"""Observations become rows: medians of repeats, corrected for drift; different conditions do not mix."""

from pathlib import Path
from typing import Any

import pytest
from first_inferences import observation, size
from whole_graph import count_complexity

from profiler.common.errors import BadInputError, ModelError
from profiler.graph.layers import count_layers
from profiler.system.monitor.allocator import allocator_state
from profiler.warm_up.dataset import tabulate
from profiler.warm_up.features import FEATURES, MIB, Situation, values
from profiler.warm_up.observations import network_size

NETWORK = size(width=16, layers=10)


def test_a_row_is_the_median_of_its_repeats() -> None:
    times = [30.0, 500.0, 31.0]
    table = tabulate([observation("a", NETWORK, 4, first_ms, repeat=n) for n, first_ms in enumerate(times)])
    assert table.first_ms.tolist() == [31.0]
    assert table.repeats == 3


def test_every_variant_and_batch_has_one_row() -> None:
    table = tabulate([observation(v, NETWORK, b, 30.0, repeat=n) for v in "ab" for b in (1, 8) for n in range(2)])
    assert list(table.variants) == ["a", "a", "b", "b"]
    assert table.features[:, table.names.index("batch")].tolist() == [1, 8, 1, 8]


def test_a_slower_machine_is_divided_out_and_the_raw_figure_kept() -> None:
    usual = [observation(f"v{n}", NETWORK, 1, 30.0) for n in range(3)]
    table = tabulate([*usual, observation("slow", NETWORK, 1, 60.0, reference_per_s=5_000.0)])
    slow = list(table.variants).index("slow")
    assert table.reference_per_s == 10_000
    assert table.first_ms[slow] == 60
    assert table.corrected_ms[slow] == 30


def test_the_work_of_a_batch_is_a_feature() -> None:
    table = tabulate([observation("a", NETWORK, 4, 30.0)])
    assert table.features[0, table.names.index("batch_macs")] == pytest.approx(4 * NETWORK.macs / 1e9)


def test_what_the_system_does_not_tell_is_left_out_with_the_reason() -> None:
    table = tabulate([observation("a", NETWORK, 1, 30.0)])
    assert set(table.names) | set(table.left_out) == set(FEATURES)
    assert set(table.left_out) == {name for name in FEATURES if name.startswith("allocator_")}
    assert all(table.left_out.values())


def test_a_gpus_allocator_gives_features() -> None:
    told = {
        f"{name}.{pool}.{part}": 0
        for name in ("requested_bytes", "allocated_bytes")
        for pool in ("all", "large_pool", "small_pool")
        for part in ("current", "peak", "allocated", "freed")
    }
    told["requested_bytes.all.current"] = 3 * MIB
    told["allocated_bytes.all.current"] = 4 * MIB
    told["allocated_bytes.large_pool.current"] = 1 * MIB
    seen = observation("a", NETWORK, 1, 30.0)
    with_gpu = seen.state.model_copy(update={"allocator": allocator_state(told, [])})
    found = values(Situation(1, NETWORK, with_gpu))
    names = ("allocator_requested_bytes", "allocator_allocated_bytes", "allocator_large_pool_bytes")
    assert [found[name] for name in names] == [3, 4, 1]
    assert values(Situation(1, NETWORK, seen.state))["allocator_requested_bytes"] is None


@pytest.mark.parametrize(
    ("field", "value"), [("machine", "another"), ("torch_version", "1"), ("device", "cuda"), ("threads", 2)]
)
def test_different_conditions_do_not_mix(field: str, value: Any) -> None:
    with pytest.raises(BadInputError, match=f"differ in {field} "):
        tabulate([observation("a", NETWORK, 1, 30.0), observation("b", NETWORK, 1, 30.0, **{field: value})])


def test_a_variant_whose_file_changed_is_refused() -> None:
    with pytest.raises(BadInputError, match="a changed between observations"):
        tabulate([observation("a", NETWORK, 1, 30.0), observation("a", NETWORK, 2, 30.0, sha256="other")])


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(BadInputError, match="the training needs first inferences"):
        tabulate([])


def test_the_size_is_that_of_the_graph(network: Path) -> None:
    found = network_size(count_complexity(network), count_layers(network))
    assert found.layers == 2
    assert found.macs == 4 * 64 * 9 + 4 * 3
    assert found.activation_bytes == 4 * (4 * 64 + 3)
    assert found.file_bytes == network.stat().st_size


def test_a_size_that_cannot_be_told_is_refused(network: Path) -> None:
    layers = count_layers(network)
    unknown = layers[0].model_copy(update={"output_shape": None, "reasons": {"output_shape": "its shape is open"}})
    with pytest.raises(ModelError, match=r"size is not known \(its shape is open\)"):
        network_size(count_complexity(network), [unknown, *layers[1:]])
