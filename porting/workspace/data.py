"""The data module of a run, which is built at its first use."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from porting.configuration.components import NamedComponent
from porting.repository.schema import Preprocessing
from porting.workspace import known_digest
from porting.workspace.known_digest import KnownDigest
from profiler.common.errors import BadInputError

if TYPE_CHECKING:
    from torch import Tensor


FEWEST_CLASSES = 2


class Data:
    """The part of a data module that stages use.

    A data module is a LightningDataModule with `classes`, `preprocessing` (a dataclass with the fields of
    `Preprocessing` and an `input_shape` C, H, W), `batch_size`, `digest()`, `loader(split)` and `sample(count)`.
    `datamodules.images.ImageDataModule` has all of it. One of the project's own also has `sources()`, all files and
    folders that it reads.
    """

    def __init__(self, component: NamedComponent, root: Path | None = None) -> None:
        """`root` is that of the workspace that keeps digests."""
        self.component, self.name = component, component.name
        self._root = root
        # The digest in the keys of this run before the data were loaded, the digest of the files at that time, and the
        # record to keep.
        self._expected: str | None = None
        self._content_before: str | None = None
        self._new: KnownDigest | None = None

    @cached_property
    def module(self) -> Any:
        """The data module with its splits; raises `BadInputError` for one that cannot be read."""
        module = self.component.build()
        self._content_before = self._content(module)
        try:
            module.setup()
        except (ValueError, OSError) as error:
            raise BadInputError(f"datamodule {self.name} cannot be read: {error}") from error
        if len(module.classes) < FEWEST_CLASSES:
            raise BadInputError(
                f"datamodule {self.name} has {len(module.classes)} classes, and a classifier needs at least "
                f"{FEWEST_CLASSES}: add pictures of another class"
            )
        self._check(module)
        return module

    def _content(self, module: Any) -> str | None:
        """The digest of the files that the module reads, where it lists all of them."""
        if self._root is None or not known_digest.has_known_sources(self.component):
            return None
        return known_digest.content_of([str(path) for path in module.sources()])

    def _check(self, module: Any) -> None:
        """Raises `BadInputError` where the loaded data differ from those in the keys of this run."""
        if self._expected is not None and self._root is not None and self._expected != module.digest():
            known_digest.forget(self._root, self.component)
            raise BadInputError(f"datamodule {self.name} has changed since this run began: run the same command again")

    def keep_digest(self) -> None:
        """Stores the digest in the workspace, where this run computed it and the files did not change meanwhile."""
        if self._new is not None and self._root is not None:
            known_digest.write(self._root, self.component, self._new)

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
        """The hash of every picture, label and preparation."""
        known = None if self._root is None else known_digest.read(self._root, self.component)
        if known is not None and self._content_before is None:
            self._expected = known.digest
            return known.digest
        digest, content = str(self.module.digest()), self._content(self.module)
        if content is not None and content == self._content_before:
            self._new = KnownDigest(
                key=known_digest.key_of(self.component),
                sources=[str(path) for path in self.module.sources()],
                content=content,
                digest=digest,
            )
        return digest

    def batches(self, split: str) -> Iterator[tuple["Tensor", "Tensor"]]:
        """Yields all images of a split in order, as inputs (N, C, H, W) with labels (N)."""
        yield from self.module.loader(split)

    def training_images(self, count: int) -> list[tuple["Tensor", "Tensor"]]:
        """Batches of `count` training images, always the same random ones, without augmentation."""
        return list(self.module.sample(count))
