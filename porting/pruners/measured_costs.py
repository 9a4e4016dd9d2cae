"""The latency of networks on a target, from a table of operators in the workspace that is completed by measurements."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from porting.common.console import progress
from porting.pruners.channel_groups import ChannelGroup
from porting.pruners.costs import NetworkCost, PlacedLayer, Widths, placed_layers, wanted_widths
from profiler.common.profile_settings import DAY_S
from profiler.common.target import Target
from profiler.operators.measuring import Wanted, expected_s, machine, measured_table, missing_passes, read_table
from profiler.operators.operator import Precision
from profiler.operators.table import OperatorTable, OperatorTimes
from profiler.operators.timing import block

# A width costs as much as the next multiple of 4 even without blocks of channels (`profiler.operators.timing`).
FINEST_STEP = 4


@dataclass(frozen=True)
class MeasuredCosts:
    """The tables in `folder`, one for each fingerprint, batch and precision; measuring takes at most `budget_s`.

    It waits up to `wait_s` for another run that measures on this host.
    """

    folder: Path
    target: Target
    batch: int
    precision: Precision
    budget_s: float
    wait_s: float = DAY_S

    def lack(self, model: nn.Module, groups: Sequence[ChannelGroup], example: Tensor, whole: Widths = ()) -> bool:
        """Whether the table lacks operators of this network."""
        _, _, wanted = self._wanted(model, groups, example, whole)
        return any(missing_passes(self.table(), wanted))

    def step(self, model: nn.Module, groups: Sequence[ChannelGroup], example: Tensor) -> int:
        """The step between the widths that this unpruned network is offered."""
        _, step, _ = self._wanted(model, groups, example, ())
        return step

    def of(self, model: nn.Module, groups: Sequence[ChannelGroup], example: Tensor, whole: Widths = ()) -> NetworkCost:
        """The costs of a network, after measuring what the table lacks; `whole` are the widths before it was cut.

        Raises `BadInputError` where another process still measures after the wait, and `DnnPortingError` where the
        budget is too short.
        """
        layers, step, wanted = self._wanted(model, groups, example, whole)
        left = sum(map(len, missing_passes(self.table(), wanted)))
        with progress("operators", left) as advance:
            table = measured_table(
                self.path(), self.target, self.batch, self.precision, wanted, self.budget_s,
                lambda left: advance(f"{left} left"), self.wait_s,
            )  # fmt: skip
        return NetworkCost(layers, OperatorTimes(table), step)

    def _wanted(
        self, model: nn.Module, groups: Sequence[ChannelGroup], example: Tensor, whole: Widths
    ) -> tuple[list[PlacedLayer], int, Wanted]:
        """The layers, the step between widths that the budget allows, and the operators to measure.

        The step is that of the unpruned network, so that it does not depend on earlier cuts.
        """
        layers, now = placed_layers(model, groups, example), [group.width for group in groups]
        full = whole or now
        step = max(FINEST_STEP, block(self.precision))
        while step < max(full) and expected_s(wanted_widths(layers, full, full, step), self.batch) > self.budget_s:
            step *= 2
        return layers, step, wanted_widths(layers, full, now, step)

    def identity(self) -> str:
        """A hash of all that the times depend on: the machine, the batch and the precision."""
        here = machine(self.target).model_dump_json()
        return hashlib.sha256(f"{here} {self.batch} {self.precision}".encode()).hexdigest()

    def table(self) -> OperatorTable | None:
        """The operators measured so far; raises `BadInputError` for a file with another table."""
        return read_table(self.path(), self.target, self.batch, self.precision)

    def path(self) -> Path:
        """The file of the table."""
        return self.folder / f"{self.precision}-batch-{self.batch}-{self.identity()[:8]}.json"
