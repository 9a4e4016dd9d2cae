"""The throughput of a pruned network on its target, as soon as it is cut: weights do not decide it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import JsonValue
from torch import Tensor, nn

from porting.configuration.settings import ExportSettings
from porting.jobs.benches import Benches
from porting.onnx_files.export import export_network
from porting.workspace.workspace import ONNX
from profiler.common.errors import BadInputError
from profiler.common.profile_settings import LevelSettings
from profiler.common.scratch import scratch
from profiler.common.target import Target
from profiler.profiling import profile_file
from profiler.records.profile import Profile

# Makes the int8 sibling of a file, from random images (N, C, H, W): their values do not decide its speed either.
Quantise = Callable[[Path, Path, list[np.ndarray]], None]


@dataclass
class FileThroughput:
    """Measures one file after the other on a bench, the first of which sets the machine's usual speed."""

    benches: Benches
    name: str
    target: Target
    level: LevelSettings
    _first: Profile | None = field(default=None, init=False)

    def images_per_s(self, path: Path) -> float:
        """The maximal throughput, drift divided out; raises `ServerError` where none could be measured."""
        bench = self.benches.get(self.name, self.target)
        profile = profile_file(bench, path, self.level, None, self._first, lambda *_: None, lambda _: None)
        self._first = self._first or profile
        best = profile.best_throughput()
        assert best is not None, "profiling raises where no throughput could be measured"  # noqa: S101
        return best.corrected_images_per_s


@dataclass
class TargetThroughput:
    """Measures networks as the files that they are served as."""

    files: FileThroughput
    export: ExportSettings
    quantise: Quantise | None
    _known: dict[str, float] = field(default_factory=dict, init=False)

    def recipe(self) -> JsonValue:
        """The settings that decide what is measured."""
        settings = self.files.level.throughput
        return None if settings is None else settings.model_dump(mode="json")

    def once(self, key: str, model: nn.Module, example: Tensor) -> float:
        """As `images_per_s`, of a network that is measured for several aims."""
        if key not in self._known:
            self._known[key] = self.images_per_s(model, example)
        return self._known[key]

    def images_per_s(self, model: nn.Module, example: Tensor) -> float:
        """The maximal throughput, drift divided out; `example` (N, C, H, W) is an input.

        Raises `ServerError` where none could be measured, and whatever an export raises.
        """
        shape = tuple(example.shape[1:])
        with scratch("pruned") as made:
            path = made.folder / ONNX
            export_network(model, path, (shape[0], shape[1], shape[2]), self.export)
            if self.quantise is not None:
                plain = path.rename(path.with_name("plain.onnx"))
                self.quantise(plain, path, [example.numpy()])
            return self.files.images_per_s(path)


def throughput_level(level: LevelSettings, batch: int) -> LevelSettings:
    """The maximal throughput at one batch size, as quickly as the deciding level has it; `BadInputError` without."""
    quick = level.screen_with or level
    if quick.throughput is None:
        raise BadInputError("profile.throughput=null measures no throughput, which pruning aims at: give its settings")
    return LevelSettings.of_throughput(quick.throughput.model_copy(update={"batches": [batch]}), quick.budget_s)
