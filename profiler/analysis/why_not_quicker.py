"""The causes of a variant's latency in words, from measured facts alone."""

from collections import Counter
from collections.abc import Callable, Iterable

from profiler.records.latency import LatencyPoint
from profiler.records.layer_time import LayerTime, LayerTimes
from profiler.records.profile import Profile

# A cause that takes a smaller share is not named.
WORTH_NAMING = 0.05
# Depthwise convolutions are named where their share of the time is this multiple of their share of the operations.
COSTLY = 1.5
LAYOUT = {"ReorderInput", "ReorderOutput", "Transpose"}
QUANTISATION = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"}
INT8 = {
    "QLinearConv", "QLinearMatMul", "QGemm", "ConvInteger", "MatMulInteger", "MatMulIntegerToFloat",
    "DynamicQuantizeMatMul",
}  # fmt: skip
NORMALISATION = "BatchNormalization"


def why_not_quicker(profile: Profile) -> tuple[str, ...]:
    """One sentence for each cause, the shares of the layers' time first; empty where no measured fact shows one.

    Disturbed points show no cause.
    """
    found = [times for times in profile.layer_times if not times.is_disturbed()]
    sentences = [cause(profile, times) for times in found for cause in CAUSES]
    return tuple(one for one in (*sentences, server_path(profile)) if one)


def share_of(times: LayerTimes, chosen: Iterable[LayerTime]) -> float:
    """The share of some nodes in the time of all."""
    total_us = sum(one.us for one in times.layers)
    return sum(one.us for one in chosen) / total_us if total_us else 0.0


def counted(nodes: Iterable[LayerTime]) -> str:
    """The number of nodes of each operator, in words."""
    return ", ".join(f"{n} {operator}" for operator, n in Counter(one.operator for one in nodes).most_common())


def slow_int8(_: Profile, times: LayerTimes) -> str:
    """The sentence for int8 on a processor without instructions for it."""
    found = [one for one in times.layers if one.operator in INT8]
    if not found or times.int8_instructions:
        return ""
    return (
        f"{share_of(times, found):.0%} of the layers' time is int8 ({counted(found)}), "
        "and the processor has no VNNI, AMX or dot-product instructions, so int8 gains little over fp32."
    )


def layout_changes(_: Profile, times: LayerTimes) -> str:
    """The sentence for the changes between layouts, with the operators that leave the blocked layout."""
    found = [one for one in times.layers if one.operator in LAYOUT]
    if (share := share_of(times, found)) < WORTH_NAMING:
        return ""
    last = max((place for place, one in enumerate(times.layers) if one.operator == "ReorderInput"), default=0)
    outside = Counter(
        one.operator for one in times.layers[:last] if not one.blocked and one.operator not in LAYOUT
    ).most_common(3)
    leave = f"; in between without a blocked form: {', '.join(name for name, _ in outside)}" if outside else ""
    return f"{share:.0%} of the layers' time changes the layout of tensors ({counted(found)}){leave}."


def unfolded_normalisation(profile: Profile, times: LayerTimes) -> str:
    """The sentence for normalisations that are nodes of their own, which the blocked layout writes as convolutions."""
    names = {one.name for one in profile.layers if one.operator == NORMALISATION}
    found = [
        one for one in times.layers if one.operator == NORMALISATION or (one.layers and names.issuperset(one.layers))
    ]
    if (share := share_of(times, found)) < WORTH_NAMING:
        return ""
    return (
        f"{share:.0%} of the layers' time is {len(found)} batch normalisation(s) that cannot be folded into a "
        "convolution, because none comes directly before them."
    )


def quantisation_between(_: Profile, times: LayerTimes) -> str:
    """The sentence for changes between fp32 and int8."""
    found = [one for one in times.layers if one.operator in QUANTISATION]
    if (share := share_of(times, found)) < WORTH_NAMING:
        return ""
    return f"{share:.0%} of the layers' time changes values between fp32 and int8 ({counted(found)})."


def costly_depthwise(profile: Profile, times: LayerTimes) -> str:
    """The sentence for depthwise convolutions, which read much for little work."""
    found = [one for one in times.layers if one.depthwise]
    names, flops = {name for one in found for name in one.layers}, profile.complexity.flops
    if (share := share_of(times, found)) < WORTH_NAMING or not flops:
        return ""
    of_work = sum(one.flops or 0 for one in profile.layers if one.name in names) / flops
    if share < COSTLY * of_work:
        return ""
    times_share, work = f"{share:.0%} of the layers' time", f"{of_work:.0%} of the operations"
    return f"{len(found)} depthwise convolution(s) take {times_share} for {work}."


def server_path(profile: Profile) -> str:
    """The sentence for the part of a client's latency that is not computation; other servers may compute otherwise."""
    client, compute = profile.latency_at(1), profile.compute_latency_at(1)
    if client is None or compute is None or client.runtime != "triton":
        return ""
    if (
        client.is_disturbed()
        or compute.is_disturbed()
        or not surely_longer(client, compute)
        or client.p50_ms is None
        or compute.p50_ms is None
    ):
        return ""
    if (share := 1 - compute.p50_ms / client.p50_ms) < WORTH_NAMING:
        return ""
    return (
        f"{share:.0%} of a client's median latency ({client.p50_ms:.3g} ms through {client.runtime}) is not the "
        f"computation ({compute.p50_ms:.3g} ms), but the way through the server."
    )


def surely_longer(client: LatencyPoint, compute: LatencyPoint) -> bool:
    """Whether the median of the client lies above that of the computation, by their intervals."""
    low, high = client.p50_low_ms, compute.p50_high_ms
    return low is not None and high is not None and low > high


CAUSES: tuple[Callable[[Profile, LayerTimes], str], ...] = (
    slow_int8, layout_changes, unfolded_normalisation, quantisation_between, costly_depthwise,
)  # fmt: skip
