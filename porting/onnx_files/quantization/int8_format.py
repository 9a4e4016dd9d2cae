"""The number formats of an int8 file, and the exact one on this processor."""

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from profiler.system.machine import VNNI, int8_instructions

Scheme = Literal["u8s8", "s8s8"]
Calibration = Literal["minmax", "entropy", "percentile"]
CPUINFO = Path("/proc/cpuinfo")
X86 = ("x86_64", "amd64", "i386", "i686")


@dataclass(frozen=True)
class Int8Format:
    """The types of an int8 file: unsigned (u8s8) or signed (s8s8) activations, signed weights per output channel.

    With `reduce_range` weights have 7 bits, and products are exact on every processor. Without it they are exact where
    sums of products do not saturate: on x86 with VNNI, and on Arm.
    """

    scheme: Scheme
    reduce_range: bool


def int8_format_here(scheme: Scheme) -> Int8Format:
    """The format in which this processor computes a scheme exactly."""
    cpuinfo = CPUINFO.read_text() if CPUINFO.exists() else ""
    return Int8Format(scheme, reduce_range=saturates(platform.machine(), cpuinfo))


def saturates(machine: str, cpuinfo: str) -> bool:
    """Whether int8 products overflow on the processor that the text of `/proc/cpuinfo` describes.

    x86 without VNNI adds two products of 8 bits in 16 bits (VPMADDUBSW), which clips at 32767. The sum may be
    2 · 255 · 127. Weights of 7 bits keep the sum below that. ONNX Runtime uses the same instruction for signed
    activations. Arm adds in 32 bits.
    """
    return machine.lower() in X86 and not VNNI & {*int8_instructions(cpuinfo)}
