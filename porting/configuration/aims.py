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

    `speedup` and `images_per_s`: the maximal throughput on the target, relative to the unpruned network's or absolute.
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

    def on_the_way(self, progress: float) -> "Aim":
        """What to reach after this share of the steps, each of which takes the same share of what is left.

        A throughput is taken for the inverse of the latency until the last step, where it is measured; an absolute
        one has no such meaning, and raises `ValueError`.
        """
        if self.kind == "images_per_s":
            raise ValueError("an absolute throughput is no share of anything: make it a speed-up first")
        if self.kind == "ratio":
            return Aim("ratio", 1 - (1 - self.value) ** progress)
        return Aim("latency", (1 / self.value if self.kind == "speedup" else self.value) ** progress)
