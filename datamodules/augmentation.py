"""Random changes of training pictures, each picture its own, drawn from torch's global generator."""

import torch
from torch import Tensor
from torch.nn.functional import pad


def shift(pixels: Tensor, most: int) -> Tensor:
    """Pads by `most` on every side and cuts each picture out at a place of its own: (N, C, H, W) to the same."""
    n, _, height, width = pixels.shape
    padded = pad(pixels, (most, most, most, most))
    top = torch.randint(2 * most + 1, (n, 1, 1))
    left = torch.randint(2 * most + 1, (n, 1, 1))
    rows = (top + torch.arange(height).view(1, -1, 1)).expand(n, height, width)
    columns = (left + torch.arange(width).view(1, 1, -1)).expand(n, height, width)
    picture = torch.arange(n).view(n, 1, 1)
    return padded[picture, :, rows, columns].permute(0, 3, 1, 2)


def flip(pixels: Tensor) -> Tensor:
    """Mirrors every other picture, by chance, left to right."""
    mirrored = torch.rand(len(pixels), 1, 1, 1) < 0.5
    return torch.where(mirrored, pixels.flip(-1), pixels)
