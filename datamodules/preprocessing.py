"""The way from an image to an input: the preprocessing, which is published with a variant, and the augmentation."""

from dataclasses import dataclass
from typing import Literal

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, pad
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional


@dataclass(frozen=True)
class Preprocessing:
    """Resizes the short side, crops the centre, scales to 0 … 1, subtracts `mean` and divides by `sd` (per channel)."""

    size: int
    colour: Literal["RGB", "L"]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    resize: Literal["bilinear", "none"] = "bilinear"
    crop: Literal["center"] = "center"
    scale: float = 1 / 255
    layout: Literal["NCHW"] = "NCHW"
    dtype: Literal["float32"] = "float32"

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The shape of an input: C, H, W."""
        return len(self.mean), self.size, self.size

    def pixels(self, image: Image.Image) -> Tensor:
        """The resized and cropped image, uint8 (C, H, W)."""
        tensor = functional.pil_to_tensor(image.convert(self.colour))
        if self.resize == "bilinear":
            tensor = functional.resize(tensor, [self.size], InterpolationMode.BILINEAR, antialias=True)
        cut: Tensor = functional.center_crop(tensor, [self.size, self.size])
        return cut

    def normalise(self, pixels: Tensor) -> Tensor:
        """Pixels, uint8 (N, C, H, W), as the float32 input of the network (N, C, H, W)."""
        mean = torch.tensor(self.mean).view(1, -1, 1, 1)
        sd = torch.tensor(self.sd).view(1, -1, 1, 1)
        return (pixels.float() * self.scale - mean) / sd


@dataclass(frozen=True)
class Augmentation:
    """The changes of a training image, in this order: `zoom`, `shift`, `flip`, `cutout`.

    `zoom` is the smallest share of a side that is cut out and enlarged (1: the whole image), `shift` the largest shift
    in pixels, `flip` whether images may be mirrored, `cutout` the side in pixels of a square that is blanked.
    """

    zoom: float = 1.0
    shift: int = 0
    flip: bool = False
    cutout: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.zoom <= 1 or self.shift < 0 or self.cutout < 0:
            raise ValueError(f"{self} is invalid: zoom is a share in (0, 1], shift and cutout are pixels")

    def __call__(self, pixels: Tensor) -> Tensor:
        """Changed images, uint8 (N, C, H, W), of the same shape."""
        if self.zoom < 1:
            pixels = zoomed(pixels, self.zoom)
        if self.shift:
            pixels = shifted(pixels, self.shift)
        if self.flip:
            pixels = flipped(pixels)
        return with_cutout(pixels, self.cutout) if self.cutout else pixels


def zoomed(pixels: Tensor, least: float) -> Tensor:
    """Enlarges a random square of each image, with a side between `least` and the whole side."""
    n = len(pixels)
    side = least + (1 - least) * torch.rand(n)
    place = (1 - side).unsqueeze(1) * (2 * torch.rand(n, 2) - 1)
    corner = torch.zeros(n, 2, 3)
    corner[:, 0, 0] = corner[:, 1, 1] = side
    corner[:, :, 2] = place
    grid = affine_grid(corner, list(pixels.shape), align_corners=False)
    found = grid_sample(pixels.float(), grid, padding_mode="reflection", align_corners=False)
    return found.round().to(pixels.dtype)


def shifted(pixels: Tensor, most: int) -> Tensor:
    """Pads by `most` on every side, and cuts each image out at a random place."""
    n, channels, height, width = pixels.shape
    padded = pad(pixels, (most, most, most, most))
    top = torch.randint(2 * most + 1, (n, 1, 1, 1))
    left = torch.randint(2 * most + 1, (n, 1, 1, 1))
    rows = top + torch.arange(height).view(-1, 1)
    columns = left + torch.arange(width)
    # Without an index for channels the layout would be channels-last, where oneDNN corrupts memory or hangs in the
    # gradients of narrow strided 1×1 convolutions (github.com/uxlfoundation/oneDNN/issues/6035).
    return padded[torch.arange(n).view(n, 1, 1, 1), torch.arange(channels).view(-1, 1, 1), rows, columns]


def flipped(pixels: Tensor) -> Tensor:
    """Mirrors each image left to right with a probability of 1/2."""
    mirrored = torch.rand(len(pixels), 1, 1, 1) < 0.5
    return torch.where(mirrored, pixels.flip(-1), pixels)


def with_cutout(pixels: Tensor, side: int) -> Tensor:
    """Blanks a square around a random pixel of each image, clipped at the edges (DeVries and Taylor 2017)."""
    n, _, height, width = pixels.shape
    top = torch.randint(height, (n, 1, 1, 1)) - side // 2
    left = torch.randint(width, (n, 1, 1, 1)) - side // 2
    rows, columns = torch.arange(height).view(-1, 1), torch.arange(width)
    hole = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
    return pixels.masked_fill(hole, 0)
