"""Random changes of training pictures, each picture its own, drawn from torch's global generator."""

import torch
from torch import Tensor
from torch.nn.functional import pad


def shift(pixels: Tensor, most: int) -> Tensor:
    """Pads by `most` on every side and cuts each picture out at a place of its own: (N, C, H, W) to the same."""
    n, channels, height, width = pixels.shape
    padded = pad(pixels, (most, most, most, most))
    top = torch.randint(2 * most + 1, (n, 1, 1, 1))
    left = torch.randint(2 * most + 1, (n, 1, 1, 1))
    rows = top + torch.arange(height).view(-1, 1)
    columns = left + torch.arange(width)
    # Channels have an index too, or the result would lie channels last, where oneDNN corrupts memory or hangs in the
    # gradients of narrow strided 1×1 convolutions (github.com/uxlfoundation/oneDNN/issues/6035).
    return padded[torch.arange(n).view(n, 1, 1, 1), torch.arange(channels).view(-1, 1, 1), rows, columns]


def flip(pixels: Tensor) -> Tensor:
    """Mirrors every other picture, by chance, left to right."""
    mirrored = torch.rand(len(pixels), 1, 1, 1) < 0.5
    return torch.where(mirrored, pixels.flip(-1), pixels)
