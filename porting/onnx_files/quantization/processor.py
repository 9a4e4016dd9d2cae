"""Whether a processor adds 8-bit products exactly."""

import platform
from pathlib import Path

from porting.onnx_files.quantization.form import Form, Scheme

CPUINFO = Path("/proc/cpuinfo")
X86 = ("x86_64", "amd64", "i386", "i686")
VNNI = {"avx512_vnni", "avx_vnni"}


def form_here(scheme: Scheme) -> Form:
    """The scheme as this processor multiplies it exactly."""
    cpuinfo = CPUINFO.read_text() if CPUINFO.exists() else ""
    return Form(scheme, reduce_range=saturates(platform.machine(), cpuinfo))


def saturates(machine: str, cpuinfo: str) -> bool:
    """Whether int8 products overflow on the processor that `/proc/cpuinfo` describes.

    x86 without VNNI adds two products of 8 bits in 16 (VPMADDUBSW), which clips at 32767: up to 2 · 255 · 127.
    Weights of 7 bits never get there. ONNX Runtime gives activations with a sign to the same instruction there, less
    their sign. Arm adds in 32 bits.
    """
    lines = [line.partition(":")[2] for line in cpuinfo.splitlines() if line.startswith("flags")]
    return machine.lower() in X86 and not VNNI & {flag for line in lines for flag in line.split()}
