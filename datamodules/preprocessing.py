"""The preprocessing from an image to an input; the same values prepare the data and are published with a variant."""

from dataclasses import dataclass
from typing import Literal

import torch
from PIL import Image
from torch import Tensor
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
