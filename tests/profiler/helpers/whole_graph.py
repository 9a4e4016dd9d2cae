"""What a whole file costs, as a profile says it."""

from pathlib import Path

from profiler.graph.layers import count_layers, sum_layers
from profiler.records.complexity import Complexity


def count_complexity(path: Path, input_shape: tuple[int, ...] | None = None) -> Complexity:
    return sum_layers(count_layers(path, input_shape), path.stat().st_size)
