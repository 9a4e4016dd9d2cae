"""Profiles with first inferences and load times by a known rule, to see whether the rule is found again."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from full_profile import blank_profile
from made_points import partly, rate

from profiler.records.complexity import Complexity, Layer
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput
from profiler.records.warm_up import FirstInference, LoadTime
from profiler.warm_up.dataset import Measured

BATCHES = (1, 2, 4, 8, 16, 32)
# The layers of each backbone.
BACKBONES = {"shallow": 10, "low": 14, "middle": 20, "high": 28, "deep": 40}
Rule = Callable[[Profile, int], float]


def network(width: int, layers: int, **changes: Any) -> Profile:
    """Convolutions of one width on 16 × 16, on a target with one core, without a first inference."""
    parameters = 9 * width**2
    one = Layer(
        name="conv", operator="Conv", parameters=parameters, macs=256 * parameters, flops=512 * parameters,
        output_shape=(width, 16, 16),
    )  # fmt: skip
    everything = parameters * layers
    size = Complexity(
        parameters=everything, macs=256 * everything, flops=512 * everything, file_bytes=4 * everything + 50_000
    )
    best = rate(MaximalThroughput, 1, 4, 1e8 / (everything + 1e4))
    return blank_profile(**{"complexity": size, "layers": (one,) * layers, "max_throughput": (best,), **changes})


def rule_ms(profile: Profile, batch: int) -> float:
    """A constant, a part for each layer, a part for the work."""
    return 20 + 1.5 * len(profile.layers) + 3e-8 * batch * (profile.complexity.macs or 0)


def stepped_ms(profile: Profile, batch: int) -> float:
    """The same with a step at batch 8, which no line has."""
    return rule_ms(profile, batch) * (1.6 if batch >= 8 else 1.0)


def first(batch: int, first_ms: float, **changes: Any) -> FirstInference:
    values = {"batch": batch, "n": 3, "first_ms": first_ms, "first_min_ms": first_ms, "first_max_ms": first_ms}
    return partly(FirstInference, **values, warm_n=10, warm_ms=1.0, **changes)


def load(mean_ms: float, **changes: Any) -> LoadTime:
    return partly(LoadTime, n=2, mean_ms=mean_ms, page_cache="warm", resident_share=1.0, **changes)


def measured_profile(width: int, layers: int, rule: Rule = rule_ms, batches: Sequence[int] = BATCHES) -> Profile:
    """The network with the first inferences of the rule, and a load of twice the time of the one at batch 1."""
    made = network(width, layers)
    points = tuple(first(batch, rule(made, batch)) for batch in batches)
    return made.model_copy(update={"first_inference": points, "load_time": (load(2 * rule(made, 1)),)})


def family(widths: int = 6, rule: Rule = rule_ms, noise: float = 0.01) -> Iterator[Measured]:
    """Every backbone in every width; `noise` is the standard deviation of the time's logarithm."""
    generator = np.random.default_rng(0)

    def noisy(profile: Profile, batch: int) -> float:
        return rule(profile, batch) * float(np.exp(noise * generator.standard_normal()))

    for backbone, layers in BACKBONES.items():
        for width in range(8, 8 + 2 * widths, 2):
            yield Measured(f"{backbone}-{width}", backbone, measured_profile(width, layers, noisy))
