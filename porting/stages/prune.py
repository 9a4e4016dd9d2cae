"""prune: smaller networks from every trained or imported one, one for each pruner and aim."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue
from torch import nn

from porting.components import Component
from porting.context import Context, Job, section_values, seeded
from porting.derive import Made, Recipe, derive
from porting.networks.store import input_shape, load_network, save_network
from porting.pruners.aims import Aim
from porting.pruners.cutting import Cutting, Reached
from porting.pruners.interface import Batches, Pruner, Request, count_parameters
from porting.pruners.on_target import OnTarget
from porting.records import Network, Pruning, Variant
from porting.stage_table import SOURCES
from profiler.errors import BadInputError

PACKAGES = ("torch", "torch-pruning", "nni")
NOT_MEASURED = "its aim is no throughput"


def jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """One for each base network, pruner and aim."""
    settings = context.settings
    bases = [variant for variant in pool if variant.stage in SOURCES and variant.network is not None]
    if bases and not settings.pruners:
        raise BadInputError("stage prune needs a pruner: choose one with pruner=NAME")
    aims = settings.prune.aims()
    measures = settings.prune.round_to is None or any(aim.kind != "ratio" for aim in aims)
    on_target = OnTarget.of(context) if bases and measures else None
    return [
        Pruned(context, on_target, base, base.network, name, component, aim).job()
        for base, (name, component), aim in itertools.product(bases, settings.pruners.items(), aims)
        if base.network is not None
    ]


@dataclass(frozen=True)
class Pruned:
    """The variant of one base, pruner and aim."""

    context: Context
    on_target: OnTarget | None
    base: Variant
    network: Network
    name: str
    component: Component
    aim: Aim

    def job(self) -> Job:
        settings, data = self.context.settings, self.context.needed_data("prune")
        round_to = settings.prune.round_to
        asked: dict[str, JsonValue] = {"kind": self.aim.kind, "value": self.aim.value}
        ingredients: dict[str, JsonValue] = {
            "pruner": self.component.recipe(), "data": data.recipe, "seed": settings.seed, "aim": asked,
        }  # fmt: skip
        if self.on_target is not None and (self.aim.kind != "ratio" or round_to is None):
            ingredients["target"] = self.on_target.identity()
        recipe = Recipe(
            stage="prune",
            label=f"{self.name.replace('_', '-')}-{self.aim.label}",
            parent=self.base,
            settings=section_values(settings.prune) | {"aim": asked},
            ingredients=ingredients,
            packages=PACKAGES,
        )
        return derive(self.context, recipe, self.make)

    def make(self, folder: Path, _: str) -> Made:
        settings, data = self.context.settings, self.context.needed_data("prune")
        seeded(settings.seed)
        source = self.context.workspace.folder(self.base)
        model = load_network(self.network, source)
        batches = data.training_images(settings.prune.batches * data.module.batch_size)
        before = count_parameters(model)
        smaller, reached = self.cut(model, batches)
        after = count_parameters(smaller)
        saved = save_network(smaller, folder, self.network.backbone, self.network.num_classes, input_shape(source))
        return Made(network=saved, pruning=self.record(before, after, reached))

    def cut(self, model: nn.Module, batches: Batches) -> tuple[nn.Module, Reached | None]:
        pruner: Pruner = self.component.build()
        cutting = Cutting(self.name, pruner, model, batches, self.on_target)
        if self.aim.is_measured:
            return cutting.to_throughput(self.aim, self.base.key)
        request = Request(cutting.policy(self.aim, self.context.settings.prune.round_to), batches)
        return cutting.once(request), None

    def record(self, before: int, after: int, reached: Reached | None) -> Pruning:
        return Pruning(
            aim=self.aim.kind,
            asked=self.aim.value,
            parameters_before=before,
            parameters_after=after,
            achieved_parameter_ratio=1 - after / before,
            images_per_s_before=reached and reached.images_per_s_before,
            images_per_s=reached and reached.images_per_s,
            tries=reached.tries if reached else 0,
            reasons={} if reached else dict.fromkeys(("images_per_s_before", "images_per_s"), NOT_MEASURED),
        )
