"""How an int8 file holds its numbers."""

from dataclasses import dataclass
from typing import Literal

Scheme = Literal["u8s8", "s8s8"]
Calibration = Literal["minmax", "entropy", "percentile"]


@dataclass(frozen=True)
class Form:
    """Activations of 8 bits without (u8s8) or with (s8s8) a sign; weights with one, per output channel.

    With `reduce_range` the weights have 7 bits, and the file is right on every processor; without it, on those whose
    products do not saturate: x86 with VNNI, and Arm.
    """

    scheme: Scheme
    reduce_range: bool
