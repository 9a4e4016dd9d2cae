"""The typed settings of a run; all values come from `conf/`, and there are no defaults here."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from porting.common.messages import suggestion, validation_message
from porting.configuration.aims import Aim, Kind
from porting.configuration.components import Component, NamedComponent
from porting.configuration.stage_table import NAMES, SOURCES
from porting.configuration.val_from import with_val_from
from porting.repository.schema import LABEL
from profiler.common.batching import MAX_BATCH
from profiler.common.errors import BadInputError
from profiler.common.profile_settings import LevelSettings

Ratio = Annotated[float, Field(gt=0, lt=1)]
OpenAxis = Literal["height", "width"]
OptionName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9_]*[a-z0-9])?$")]


class Section(BaseModel):
    """A section of the configuration, which refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FitSettings(Section):
    """SGD with Nesterov momentum on a one-cycle schedule, which stops after `patience` epochs without a lower loss.

    `label_smoothing` is the share of a label that is spread over all classes, `ema_decay` the decay of the moving
    average of weights (0: none). `precision` is that of the forward pass.
    """

    epochs: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    patience: int = Field(ge=1)
    label_smoothing: float = Field(ge=0, lt=1)
    ema_decay: float = Field(ge=0, lt=1)
    precision: Literal["auto", "fp32", "bf16", "fp16"]


class TrainSettings(FitSettings):
    """The settings of stage train; `weights` are initial ones (`porting.networks.weights_file`), null for random."""

    weights: str | None


class ImportSettings(Section):
    """Properties of a TorchScript file or a checkpoint, where no datamodule gives them."""

    input_shape: tuple[int, int, int] | None
    num_classes: int | None = Field(ge=1)


class PruneSettings(Section):
    """One variant for each pruner and aim (`porting.configuration.aims`); aims relate to the unpruned network.

    With `progressive` each aim starts from the fine-tuned network of the previous one, else from the unpruned network.
    An aim is reached in `steps`, with `step_epochs` of fine-tuning between two steps. Kept widths are rounded up to
    `round_to`, or, where that is null, to the fastest measured ones. Widths and throughputs are measured on `target`
    (null: the only one) in the `precision` to serve, the operators with `batch` inputs. Aims at a throughput are aims
    at the figure `throughput`. Measuring the operators of a network takes at most `operators_budget_s`.
    """

    ratios: list[Ratio]
    latency_shares: list[Ratio]
    target_speedup: list[Annotated[float, Field(gt=1)]]
    images_per_s: list[Annotated[float, Field(gt=0)]]
    round_to: int | None = Field(ge=1)
    scoring_batches: int = Field(ge=1)
    target: OptionName | None
    throughput: Literal["images_per_s", "single_images_per_s"]
    latency_batch: int = Field(ge=1, le=MAX_BATCH)
    precision: Literal["fp32", "int8"]
    operators_budget_s: float = Field(gt=0)
    progressive: bool
    steps: int = Field(ge=1)
    step_epochs: int = Field(ge=1)

    @model_validator(mode="after")
    def at_least_one_aim(self) -> Self:
        """Refuses settings without an aim."""
        if not self.aims():
            raise ValueError("there is no aim: give ratios, latency_shares, target_speedup or images_per_s")
        return self

    @property
    def batch(self) -> int:
        """The batch of the measured operators: 1 where the aim is the throughput of single requests."""
        return 1 if self.throughput == "single_images_per_s" else self.latency_batch

    @property
    def is_measured(self) -> bool:
        """Whether the widths of any aim depend on measurements."""
        return self.round_to is None or any(aim.kind != "ratio" for aim in self.aims())

    def aims(self) -> list[Aim]:
        """All aims, the easiest of each kind first."""
        asked: dict[Kind, list[float]] = {
            "ratio": sorted(self.ratios),
            "latency": sorted(self.latency_shares, reverse=True),
            "speedup": sorted(self.target_speedup),
            "images_per_s": sorted(self.images_per_s),
        }
        return [Aim(kind, value) for kind, values in asked.items() for value in values]


class FinetuneSettings(FitSettings):
    """The settings of stage finetune: those of a training, and with `distill` those of the teacher.

    `distill_weight` is the share of the unpruned network's answers in the loss, at this `temperature`.
    `attention_weight` is the factor of the distance between attention maps (`porting.training.teacher`). With
    `only_best` only the most accurate network is tuned of those pruned from the same one for the same aim. With
    `unpruned_too` the unpruned network is trained further too, for comparison.
    """

    distill: bool
    distill_weight: float = Field(ge=0, le=1)
    temperature: float = Field(gt=0)
    attention_weight: float = Field(ge=0)
    only_best: bool
    unpruned_too: bool


class ExportSettings(Section):
    """The ONNX operator set, and the largest difference between the answers of file and network, over their range.

    `open_axes` are the axes of the picture whose size the file leaves open, beside the batch.
    """

    opset: int = Field(ge=18, le=20)
    tolerance: float = Field(gt=0)
    open_axes: list[OpenAxis] = Field(max_length=2)


class QuantizeSettings(Section):
    """One int8 variant for each scheme, from the calibration with the best validation accuracy.

    `calibration_images` training images give the ranges of activations. Where the best candidate loses more than
    `max_loss` of validation accuracy (0 to 1) against the fp32 file, the most sensitive nodes stay fp32. `fp16` adds a
    variant for GPUs.
    """

    schemes: list[Literal["u8s8", "s8s8"]] = Field(min_length=1)
    calibrations: list[Literal["minmax", "entropy", "percentile"]] = Field(min_length=1)
    calibration_images: int = Field(ge=1)
    max_loss: float = Field(ge=0, le=1)
    fp16: bool


class PublishSettings(Section):
    """Repositories to merge in, object stores to copy to, and whether MLflow's model registry gets the variants.

    `sign` is the file of the private key that signs the repository. `public_key` is the file of the key that must have
    signed the repositories of `merge_from`.
    """

    merge_from: list[str]
    public_key: Path | None
    sign: Path | None
    copy_to: list[str]
    mlflow_registry: bool


class TrackingSettings(Section):
    """Whether MLflow tracks runs, and at which address (null: a database in the workspace)."""

    enabled: bool
    uri: str | None


class Settings(Section):
    """All settings of one run."""

    task: str = Field(pattern=LABEL, max_length=30)
    stage: list[str] = Field(min_length=1)
    workspace: Path
    model: str | None
    seed: int = Field(ge=0)
    dry_run: bool
    backbone: NamedComponent
    datamodule: NamedComponent | None
    pruners: dict[OptionName, Component]
    targets: dict[OptionName, Component]
    train: TrainSettings
    import_: ImportSettings = Field(alias="import")
    prune: PruneSettings
    finetune: FinetuneSettings
    export: ExportSettings
    quantize: QuantizeSettings
    profile: LevelSettings
    publish: PublishSettings
    tracking: TrackingSettings

    @model_validator(mode="before")
    @classmethod
    def validation_images(cls, values: Any) -> Any:
        """Chooses `val_from` of the data where the configuration leaves it open; the task has its name by then."""
        return with_val_from(values) if isinstance(values, dict) else values

    @model_validator(mode="before")
    @classmethod
    def task_with_a_name(cls, values: Any) -> Any:
        """Names a task without a name after its data, or after the imported file."""
        if isinstance(values, dict) and not values.get("task"):
            data, model = values.get("datamodule"), values.get("model")
            stem = Path(str(model)).stem.lower() if model else ""
            derived = data.get("name") if data else "".join(c if c.isalnum() else "-" for c in stem)[:30].strip("-")
            return {**values, "task": derived or "imported"}
        return values

    @field_validator("stage", mode="before")
    @classmethod
    def list_of_stages(cls, value: Any) -> Any:
        """Makes a list of a single stage."""
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def known_stages(self) -> Self:
        """Refuses unknown stages, and stages that exclude each other."""
        for name in self.stage:
            if name not in (*NAMES, "all"):
                raise ValueError(f"unknown stage {name!r}{suggestion(name, (*NAMES, 'all'))}")
        if len(self.stage) > 1 and "all" in self.stage:
            raise ValueError("stage=all excludes other stages: it is every stage in order")
        if set(SOURCES) <= set(self.stage):
            raise ValueError("stages train and import exclude each other: a run has one source")
        return self

    @model_validator(mode="after")
    def sizes_of_open_axes(self) -> Self:
        """Refuses an input of open size without the sizes to measure."""
        levels = [self.profile, *([self.profile.screen_with] if self.profile.screen_with else [])]
        if self.export.open_axes and not all(level.latency and level.latency.input_sizes for level in levels):
            raise ValueError(
                "export.open_axes leaves the size of the input open: name the sizes to measure with "
                "profile.latency.input_sizes=[SIZE,...], the usual one first"
            )
        return self

    def stages(self) -> list[str]:
        """The stages to run, in order, with one source: `import` where a model is given, else `train`."""
        wanted = NAMES if self.everything else self.stage
        skipped = {"train" if self.model else "import"} if self.everything else set()
        return [name for name in NAMES if name in wanted and name not in skipped]

    @property
    def everything(self) -> bool:
        """Whether the run has `stage=all`."""
        return self.stage == ["all"]


def validated(values: dict[str, Any]) -> Settings:
    """The settings from resolved values; raises `BadInputError` with the first error."""
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise BadInputError(validation_message(error, Settings)) from error
