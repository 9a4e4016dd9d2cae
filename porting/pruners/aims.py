"""What a pruned network is to reach: a share of the channels, of the latency, or a throughput."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["ratio", "latency", "speedup", "images_per_s"]
# How a variant's name tells it, from the value.
LABELS = {"ratio": "{:.4g}", "latency": "latency-{:.4g}", "speedup": "x{:.4g}", "images_per_s": "{:.6g}ips"}
PERCENT = ("ratio", "latency")


@dataclass(frozen=True)
class Aim:
    """`ratio`: this share of every layer's channels goes. `latency`: this share of the kernels' time stays.

    `speedup` and `images_per_s`: the maximal throughput on the target, relative to the network before or absolute.
    """

    kind: Kind
    value: float

    @property
    def label(self) -> str:
        shown = LABELS[self.kind].format(100 * self.value if self.kind in PERCENT else self.value)
        return shown.replace(".", "p").replace("+", "")

    @property
    def is_measured(self) -> bool:
        """Whether it is a throughput."""
        return self.kind in ("speedup", "images_per_s")
