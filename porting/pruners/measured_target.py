"""Measurements of pruning on the target that will serve: times of operators, and throughputs of cut networks."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue
from torch import Tensor, nn

from porting.jobs.coming_targets import check_operators_can_be_timed, pruning_target
from porting.jobs.context import Context, ReadyTargets
from porting.pruners.channel_groups import ChannelGroup, channel_groups
from porting.pruners.costs import Widths
from porting.pruners.dependency_graph import dependency_graph
from porting.pruners.measured_costs import MeasuredCosts
from porting.pruners.measured_throughput import FileThroughput, TargetThroughput, throughput_level
from profiler.target.identity import what_decides

FOLDER = "operators"


@dataclass(frozen=True)
class MeasuredTarget:
    """The target on which both operators and throughputs are measured, one at a time."""

    costs: MeasuredCosts
    throughput: TargetThroughput
    ready: ReadyTargets
    _steps: dict[str, int] = field(default_factory=dict, init=False)

    @classmethod
    def of(cls, context: Context) -> "MeasuredTarget":
        """The target of the settings, ready until the stage ends.

        Raises `BadInputError` for no target, for several, and for one whose operators cannot be timed.
        """
        prune, workspace = context.settings.prune, context.workspace
        wait_s = context.settings.profile.wait
        ready = context.stack.enter_context(closing(ReadyTargets(wait_s)))
        name, target = pruning_target(context.settings)
        check_operators_can_be_timed(name, target)
        folder, budget_s = Path(workspace.root) / FOLDER, prune.operators_budget_s
        costs = MeasuredCosts(folder, target, prune.batch, prune.precision, budget_s, wait_s)
        level = throughput_level(context.settings.profile, prune.throughput)
        files = FileThroughput(ready, name, target, level)
        return cls(costs, TargetThroughput(files, context.settings.export, prune.precision), ready)

    def with_operators_of(
        self, model: nn.Module, groups: Sequence[ChannelGroup], example: Tensor, whole: Widths = ()
    ) -> None:
        """Measures the operators of this network that the table lacks, after stopping the server of the target."""
        if self.costs.lack(model, groups, example, whole):
            self.ready.close()
            self.costs.of(model, groups, example, whole)

    def identity(self, key: str, load: Callable[[], tuple[nn.Module, Tensor]]) -> dict[str, JsonValue]:
        """The properties of the target that decide a result, and the step between offered widths.

        The step is that of the unpruned network with this key; `load` returns this network and an input (N, C, H, W).
        """
        if key not in self._steps:
            model, example = load()
            groups = channel_groups(model, dependency_graph(model, example))
            self._steps[key] = self.costs.step(model, groups, example)
        target = what_decides(self.throughput.files.target)
        return {"operators": self.costs.identity(), "target": target, "step": self._steps[key]}
