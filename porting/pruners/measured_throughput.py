"""The throughput of a pruned network on its target, measured before it is trained, as weights do not decide it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import JsonValue
from torch import Tensor, nn

from porting.configuration.settings import ExportSettings
from porting.jobs.context import ReadyTargets
from porting.onnx_files.onnx_export import export_network
from porting.onnx_files.quantization.int8_format import int8_format_here
from porting.onnx_files.quantization.qdq import prepare, write_qdq
from porting.onnx_files.quantization.ranges import activation_ranges
from porting.workspace.workspace import ONNX
from profiler.common.errors import BadInputError
from profiler.common.profile_settings import LevelSettings
from profiler.common.scratch import scratch
from profiler.common.target import Target
from profiler.profiling import profile_file


@dataclass
class FileThroughput:
    """Measures files on a target, relative to the reference network, as the machine's speed drifts meanwhile.

    A search compares networks: its rates are those that the machine would deliver at the speed beside the first file.
    """

    ready: ReadyTargets
    name: str
    target: Target
    level: LevelSettings
    _reference_per_s: float | None = field(default=None, init=False)

    def images_per_s(self, path: Path) -> float:
        """The maximal throughput of a file; raises `ServerError` where it cannot be measured."""
        ready = self.ready.get(self.name, self.target)
        profile = profile_file(ready, path, self.level, None, lambda *_: None, lambda _: None)
        best = profile.best_throughput()
        assert best is not None, "profiling raises where no throughput could be measured"  # noqa: S101
        self._reference_per_s = self._reference_per_s or best.images_per_s / best.relative_throughput
        return best.relative_throughput * self._reference_per_s


@dataclass
class TargetThroughput:
    """Measures networks as files in the precision that is served."""

    files: FileThroughput
    export: ExportSettings
    precision: Literal["fp32", "int8"]
    _known: dict[str, float] = field(default_factory=dict, init=False)

    def recipe(self) -> JsonValue:
        """The settings that decide the measurement."""
        settings = self.files.level.throughput
        return None if settings is None else settings.model_dump(mode="json")

    def once(self, key: str, model: nn.Module, example: Tensor) -> float:
        """As `images_per_s`, but only once for each key, as several aims need the same network."""
        if key not in self._known:
            self._known[key] = self.images_per_s(model, example)
        return self._known[key]

    def images_per_s(self, model: nn.Module, example: Tensor) -> float:
        """The maximal throughput; `example` (N, C, H, W) is an input.

        Raises `ServerError` where it cannot be measured, and the errors of an export.
        """
        shape = tuple(example.shape[1:])
        with scratch("pruned") as made:
            path = made.folder / ONNX
            # Only the usual size is measured.
            closed = self.export.model_copy(update={"open_axes": []})
            export_network(model, path, (shape[0], shape[1], shape[2]), closed)
            if self.precision == "int8":
                quantise_in_place(path, example)
            return self.files.images_per_s(path)


def quantise_in_place(path: Path, example: Tensor) -> None:
    """Replaces an fp32 file by its U8S8 sibling, with ranges from `example` (N, C, H, W).

    The file is only timed, and its values do not change its speed.
    """
    prepared = path.with_name("prepared.onnx")
    prepare(path, prepared)
    write_qdq(prepared, path, activation_ranges(prepared, [example.numpy()], "minmax"), int8_format_here("u8s8"))


def throughput_level(level: LevelSettings, metric: str) -> LevelSettings:
    """The settings to measure the throughput of a metric, as short as the first level of profiling.

    It is that of the best batch of this level, or of batch 1 for `single_images_per_s`. Raises `BadInputError` where
    that level measures no throughput.
    """
    quick = level.screen_with or level
    if quick.throughput is None:
        raise BadInputError("profile.throughput=null measures no throughput, which pruning aims at: give its settings")
    batches = [1] if metric == "single_images_per_s" else quick.throughput.batches
    return LevelSettings.of_throughput(quick.throughput.model_copy(update={"batches": batches}), quick.budget_s)
