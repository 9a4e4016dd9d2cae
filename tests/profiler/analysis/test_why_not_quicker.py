"""The causes of a latency in words, from made-up facts at the edge of each rule."""

import pytest
from full_profile import blank_profile, full_profile
from made_points import latency, layer_time, layer_times, medians

from profiler.analysis.why_not_quicker import why_not_quicker
from profiler.records.complexity import Complexity, Layer
from profiler.records.layer_time import LayerTime
from profiler.records.profile import Profile


def layer(name: str, operator: str, macs: int) -> Layer:
    return Layer(name=name, operator=operator, parameters=1, macs=macs, flops=2 * macs, output_shape=(1,))


def profile(*times: LayerTime, layers: tuple[Layer, ...] = ()) -> Profile:
    macs = sum(one.macs or 0 for one in layers)
    complexity = Complexity(parameters=1, macs=macs, flops=2 * macs, file_bytes=1)
    return blank_profile(layer_times=(layer_times(*times),), layers=layers, complexity=complexity)


CONVOLUTION = layer_time("c", "Conv", 96.0)


def test_without_measured_layers_and_latencies_there_is_no_cause() -> None:
    assert why_not_quicker(blank_profile()) == ()
    assert why_not_quicker(profile(CONVOLUTION)) == ()


def test_a_disturbed_measurement_shows_no_cause() -> None:
    found = profile(CONVOLUTION, layer_time("n", "ReorderOutput", 50.0))
    noise = found.layer_times[0].noise.model_copy(update={"disturbed": True})
    times = found.layer_times[0].model_copy(update={"noise": noise})
    assert why_not_quicker(found)
    assert why_not_quicker(found.model_copy(update={"layer_times": (times,)})) == ()


@pytest.mark.parametrize(("us", "named"), [(4.0, False), (6.0, True)])
@pytest.mark.parametrize("operator", ["ReorderOutput", "QuantizeLinear", "BatchNormalization"])
def test_a_share_below_a_twentieth_is_not_named(operator: str, us: float, named: bool) -> None:
    assert bool(why_not_quicker(profile(CONVOLUTION, layer_time("n", operator, us)))) is named


@pytest.mark.parametrize(("us", "named"), [(14.0, False), (16.0, True)])
def test_depthwise_convolutions_are_named_from_one_and_a_half_times_their_share_of_the_work(
    us: float, named: bool
) -> None:
    times = layer_time("d", "Conv", us, depthwise=True), layer_time("c", "Conv", 100 - us)
    found = why_not_quicker(profile(*times, layers=(layer("d", "Conv", 10), layer("c", "Conv", 90))))
    assert bool(found) is named
    assert not named or found == ("1 depthwise convolution(s) take 16% of the layers' time for 10% of the operations.",)


def test_only_nodes_before_the_last_change_into_blocks_are_between_blocks() -> None:
    outside = {"blocked": False}
    times = [
        layer_time("o", "ReorderOutput", 10.0), layer_time("a", "Concat", 10.0, **outside),
        layer_time("i", "ReorderInput", 10.0), CONVOLUTION, layer_time("g", "Gemm", 10.0, **outside),
    ]  # fmt: skip
    (found,) = why_not_quicker(profile(*times))
    assert found.endswith("(1 ReorderOutput, 1 ReorderInput); in between without a blocked form: Concat.")


@pytest.mark.parametrize(("client_ms", "named"), [(1.02, False), (1.2, True), (4.0, True)])
def test_the_way_through_the_server_is_named_where_it_is_surely_a_part_of_the_latency(
    client_ms: float, named: bool
) -> None:
    client = latency(1, **medians(client_ms))
    compute = latency(1, runtime="onnxruntime", **medians(1.0))
    found = [one for one in why_not_quicker(full_profile(latency=(client, compute))) if "server" in one]
    assert bool(found) is named
    assert client_ms != 4.0 or found == [
        "75% of a client's median latency (4 ms through triton) is not the computation (1 ms), but the way through "
        "the server."
    ]
