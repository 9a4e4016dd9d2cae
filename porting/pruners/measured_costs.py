"""What widths cost on a target: a table of its operators in the workspace, measured where it lacks something."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from porting.pruners.channel_groups import ChannelGroup
from porting.pruners.costs import NetworkCost, PlacedLayer, Widths, placed_layers, wanted_widths
from porting.pruners.latency_budget import offered
from profiler.common.target import Target
from profiler.operators.measuring import Wanted, expected_s, lacking, machine, measured_table, read_table
from profiler.operators.operator import Precision
from profiler.operators.table import OperatorTable, OperatorTimes
from profiler.operators.timing import block

# Where nothing is blocked (`profiler.operators.timing`): widths between multiples of 4 cost what the next one does.
FINEST_STEP = 4

Progress = Callable[[str, int], AbstractContextManager[Callable[[str], None]]]


@dataclass(frozen=True)
class Costs:
    """The latency of a network at any widths, with the step between those that were measured."""

    network: NetworkCost
    step: int

    def least_us(self, full: Sequence[int]) -> float:
        """What the narrowest network that pruning offers takes; `full` are the groups' widths."""
        return self.network.us([min(widths) for widths in offered(self.network, full, self.step)])


@dataclass(frozen=True)
class MeasuredCosts:
    """Tables lie in `folder`, one for each fingerprint, batch and precision; measuring takes at most `budget_s`."""

    folder: Path
    target: Target
    batch: int
    precision: Precision
    budget_s: float
    progress: Progress

    def lack(self, model: nn.Module, groups: Sequence[ChannelGroup], example: Tensor, whole: Widths = ()) -> bool:
        """Whether something is to be measured before the costs of this network are known."""
        _, _, wanted = self._wanted(model, groups, example, whole)
        return any(lacking(self.table(), wanted))

    def step(self, model: nn.Module, groups: Sequence[ChannelGroup], example: Tensor) -> int:
        """That between the widths which this network, unpruned, is offered."""
        _, step, _ = self._wanted(model, groups, example, ())
        return step

    def of(self, model: nn.Module, groups: Sequence[ChannelGroup], example: Tensor, whole: Widths = ()) -> Costs:
        """At the widths that the `whole` network's groups are offered, where the model is cut already.

        Raises `BadInputError` where somebody else measures, `DnnPortingError` where the budget is spent first.
        """
        layers, step, wanted = self._wanted(model, groups, example, whole)
        left = sum(map(len, lacking(self.table(), wanted)))
        with self.progress("operators", left) as advance:
            table = measured_table(
                self.path(), self.target, self.batch, self.precision, wanted, self.budget_s,
                lambda left: advance(f"{left} left"),
            )  # fmt: skip
        return Costs(NetworkCost(layers, OperatorTimes(table)), step)

    def _wanted(
        self, model: nn.Module, groups: Sequence[ChannelGroup], example: Tensor, whole: Widths
    ) -> tuple[list[PlacedLayer], int, Wanted]:
        """The layers, the step between widths that the budget allows, and what is measured with it.

        The step is the whole network's, or what came of it would hang on how it was cut on the way.
        """
        layers, now = placed_layers(model, groups, example), [group.width for group in groups]
        full = whole or now
        step = max(FINEST_STEP, block(self.precision))
        while step < max(full) and expected_s(wanted_widths(layers, full, full, step), self.batch) > self.budget_s:
            step *= 2
        return layers, step, wanted_widths(layers, full, now, step)

    def identity(self) -> str:
        """What the times hang on: a hash of the machine, the batch and the precision."""
        here = machine(self.target).model_dump_json()
        return hashlib.sha256(f"{here} {self.batch} {self.precision}".encode()).hexdigest()

    def table(self) -> OperatorTable | None:
        """What is measured already; raises `BadInputError` where another table lies in its place."""
        return read_table(self.path(), self.target, self.batch, self.precision)

    def path(self) -> Path:
        return self.folder / f"{self.precision}-batch-{self.batch}-{self.identity()[:8]}.json"
