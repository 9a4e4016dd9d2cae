"""The precision and the memory layout in which training is fastest on this machine."""

from typing import Literal

import torch
from torch import nn

from profiler.common.errors import BadInputError

Precision = Literal["auto", "fp32", "bf16", "fp16"]
Chosen = Literal["fp32", "bf16", "fp16"]
LIGHTNING: dict[Chosen, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed",
}  # fmt: skip
# With fewer channels than a block of oneDNN (at most 16), its gradients of strided 1×1 convolutions in the layout
# channels-last are wrong or hang (github.com/uxlfoundation/oneDNN/issues/6035).
SAFE_CHANNELS = 16


def chosen_precision(asked: Precision) -> Chosen:
    """The precision to train in; `auto` is the fastest one, which on a processor is bfloat16 only with AMX.

    Other processors emulate bfloat16. With the AVX-512 instructions for it (a Xeon, oneDNN 3) the convolutions of a
    ResNet take 1.5 times as long as in fp32. Raises `BadInputError` for fp16 without CUDA, where Lightning would use
    bfloat16 instead.
    """
    if asked == "fp16" and not torch.cuda.is_available():
        raise BadInputError(
            "precision=fp16 of train or finetune needs CUDA, and there is none here: take auto, fp32 or bf16"
        )
    if asked != "auto":
        return asked
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if torch.cpu.get_capabilities().get("amx_bf16") else "fp32"


def memory_format(model: nn.Module) -> torch.memory_format:
    """The layout channels-last, where convolutions are faster, unless the network meets the defect of oneDNN."""
    narrow = any(
        isinstance(module, nn.Conv2d)
        and module.in_channels < SAFE_CHANNELS
        and max(module.kernel_size) == 1
        and max(module.stride) > 1
        for module in model.modules()
    )
    return torch.contiguous_format if narrow else torch.channels_last
