"""The data module of a run, built when it is first needed."""

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
    """What stages ask of a data module.

    A data module is a LightningDataModule with `classes`, `preprocessing` (a dataclass with the fields of
    `Preprocessing` and an `input_shape` C, H, W), `batch_size`, `digest()`, `loader(split)` and `sample(count)`.
    `datamodules.images.ImageDataModule` has all of it.
    """

    def __init__(self, component: NamedComponent) -> None:
        self.component, self.name = component, component.name

    @cached_property
    def module(self) -> Any:
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
        return tuple(self.module.preprocessing.input_shape)

    @property
    def labels(self) -> list[str]:
        return list(self.module.classes)

    @cached_property
    def preprocessing(self) -> Preprocessing:
        values = {name: getattr(self.module.preprocessing, name) for name in Preprocessing.model_fields}
        return Preprocessing.model_validate({**values, "mean": list(values["mean"]), "sd": list(values["sd"])})

    @cached_property
    def recipe(self) -> dict[str, JsonValue]:
        """What a result depends on: the component and the digest of everything it prepares."""
        return {"component": self.component.recipe(), "digest": self.digest}

    @cached_property
    def digest(self) -> str:
        """The hash of every picture, label and preparation."""
        return str(self.module.digest())

    def batches(self, split: str) -> Iterator[tuple["Tensor", "Tensor"]]:
        """Every image of a split in order, as the network takes it: (N, C, H, W) and labels (N)."""
        yield from self.module.loader(split)

    def training_images(self, count: int) -> list[tuple["Tensor", "Tensor"]]:
        """Batches of `count` training images drawn from all of them, always the same ones, not augmented."""
        return list(self.module.sample(count))
