"""The aim of a pruned network: a share of the channels, a share of the latency, or a throughput."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["ratio", "latency", "speedup", "images_per_s"]
# The form of the value in the name of a variant.
LABELS = {"ratio": "{:.4g}", "latency": "latency-{:.4g}", "speedup": "x{:.4g}", "images_per_s": "{:.6g}ips"}
PERCENT = ("ratio", "latency")


@dataclass(frozen=True)
class Aim:
    """An aim of one kind.

    `ratio` is the share of channels to remove from every layer, `latency` the share of kernel time to keep. `speedup`
    and `images_per_s` are the maximal throughput on the target, relative to the unpruned network or absolute.
    """

    kind: Kind
    value: float

    @property
    def label(self) -> str:
        """The aim in the name of a variant."""
        shown = LABELS[self.kind].format(100 * self.value if self.kind in PERCENT else self.value)
        return shown.replace(".", "p").replace("+", "")

    @property
    def is_measured(self) -> bool:
        """Whether the aim is a throughput."""
        return self.kind in ("speedup", "images_per_s")

    def partial(self, progress: float) -> "Aim":
        """The aim after this share of the steps, each of which removes the same share of the rest.

        Before the last step, where it is measured, a speed-up counts as the inverse of a share of latency. Raises
        `ValueError` for an absolute throughput.
        """
        if self.kind == "images_per_s":
            raise ValueError("an absolute throughput is no share of anything: make it a speed-up first")
        if self.kind == "ratio":
            return Aim("ratio", 1 - (1 - self.value) ** progress)
        return Aim("latency", (1 / self.value if self.kind == "speedup" else self.value) ** progress)
