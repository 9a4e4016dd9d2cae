"""The data module of a run, which is built at its first use."""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from porting.configuration.components import NamedComponent
from porting.repository.schema import Preprocessing
from profiler.common.errors import BadInputError

if TYPE_CHECKING:
    from torch import Tensor


FEWEST_CLASSES = 2


class Data:
    """The part of a data module that stages use.

    A data module is a LightningDataModule with `classes`, `preprocessing` (a dataclass with the fields of
    `Preprocessing` and an `input_shape` C, H, W), `batch_size`, `digest()`, `loader(split)` and `sample(count)`.
    `datamodules.images.ImageDataModule` has all of it.
    """

    def __init__(self, component: NamedComponent) -> None:
        self.component, self.name = component, component.name

    @cached_property
    def module(self) -> Any:
        """The data module; raises `BadInputError` where it cannot be read or has fewer than two classes."""
        module = self.component.build()
        try:
            module.setup()
        except (ValueError, OSError) as error:
            raise BadInputError(f"datamodule {self.name} cannot be read: {error}") from error
        if len(module.classes) < FEWEST_CLASSES:
            raise BadInputError(
                f"datamodule {self.name} has {len(module.classes)} classes, and a classifier tells at least "
                f"{FEWEST_CLASSES} apart: add pictures of another class"
            )
        return module

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The shape of an input: C, H, W."""
        return tuple(self.module.preprocessing.input_shape)

    @property
    def labels(self) -> list[str]:
        """The names of the classes, in the order of the network's outputs."""
        return list(self.module.classes)

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """The preprocessing of an image, as it is published."""
        values = {name: getattr(self.module.preprocessing, name) for name in Preprocessing.model_fields}
        return Preprocessing.model_validate({**values, "mean": list(values["mean"]), "sd": list(values["sd"])})

    @cached_property
    def recipe(self) -> dict[str, JsonValue]:
        """The values that decide a result: the component, and the digest of all that it prepares."""
        return {"component": self.component.recipe(), "digest": self.digest}

    @cached_property
    def digest(self) -> str:
        """The hash of all images, labels and preprocessing values."""
        return str(self.module.digest())

    def batches(self, split: str) -> Iterator[tuple["Tensor", "Tensor"]]:
        """Yields all images of a split in order, as inputs (N, C, H, W) with labels (N)."""
        yield from self.module.loader(split)

    def training_images(self, count: int) -> list[tuple["Tensor", "Tensor"]]:
        """Batches of `count` training images, always the same random ones, without augmentation."""
        return list(self.module.sample(count))
