"""The record of the layers' times."""

from dataclasses import dataclass

from onnx import GraphProto, ModelProto

from profiler.graph.fusion import BLOCKED_DOMAIN, computed_by, is_depthwise
from profiler.graph.layers import layers_of
from profiler.graph.shapes import infer_shapes
from profiler.measure.layers.clocked_runs import ClockCost, Runs
from profiler.records.layer_time import LayerTime, LayerTimes
from profiler.records.place import Place
from profiler.runtimes.kernel_clock import Kernel
from profiler.system.machine import int8_instructions
from profiler.target.disturbance import Disturbance


@dataclass(frozen=True)
class LayerNode:
    """A node of the optimised graph, as `LayerTime` describes it."""

    kernel: Kernel
    inputs: int
    layers: tuple[str, ...]
    depthwise: bool
    blocked: bool

    def timed(self, us: float) -> LayerTime:
        """The record of the node with its time."""
        return LayerTime(
            name=self.kernel.name,
            operator=self.kernel.operator,
            layers=self.layers,
            depthwise=self.depthwise,
            blocked=self.blocked,
            us=us,
        )


def layer_nodes(file: ModelProto, shape: tuple[int, ...], optimised: GraphProto) -> list[LayerNode]:
    """The nodes of the optimised graph, in its order, with the file's layers that they compute."""
    known, shapes = {layer.name for layer in layers_of(file, shape)}, infer_shapes(file, shape)
    computed = computed_by(file.graph, optimised)
    return [
        LayerNode(
            Kernel(node.name, node.op_type),
            sum(bool(name) for name in node.input),
            tuple(name for one in computed[node.name] if (name := one.name or one.output[0]) in known),
            any(is_depthwise(one, shapes) for one in computed[node.name]),
            node.domain == BLOCKED_DOMAIN,
        )
        for node in optimised.node
    ]


def layer_times(place: Place, runs: Runs, cost: ClockCost, seen: Disturbance, nodes: list[LayerNode]) -> LayerTimes:
    """The point of a place, from the slices that count."""
    kernels_us, latency_us = runs.kernels_us(seen.counting), runs.plain_us(seen.counting)
    clock = cost.read(seen.counting)
    # A kernel of a nested graph is part of the time of the node around it.
    timed = [node for node in nodes if node.kernel in kernels_us]
    layers = [node.timed(max(0.0, kernels_us[node.kernel] - clock.of_node(node.inputs))) for node in timed]
    operator_us: dict[str, float] = {}
    for layer in layers:
        operator_us[layer.operator] = operator_us.get(layer.operator, 0.0) + layer.us
    sum_us = sum(layer.us for layer in layers)
    return LayerTimes(
        **place.fields(),
        batch=place.batch,
        n=runs.n(seen.counting),
        layers=tuple(layers),
        operator_us=operator_us,
        sum_ms=sum_us / 1e3,
        call_ms=clock.call_us / 1e3,
        clock_us=clock.clock_us,
        clock_input_us=clock.clock_input_us,
        latency_ms=latency_us / 1e3,
        clocked_ms=runs.clocked_us(seen.counting) / 1e3,
        sum_share=(sum_us + clock.call_us) / latency_us,
        int8_instructions=int8_instructions(),
        noise=seen.noise,
    )
