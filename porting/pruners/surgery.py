"""The pruning of one network: once to the widths of a policy, or repeatedly until a throughput is measured."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from porting.configuration.aims import Aim
from porting.pruners.channel_groups import ChannelGroup, channel_groups
from porting.pruners.dependency_graph import cause_of, dependency_graph
from porting.pruners.interface import (
    Batches,
    NothingPrunedError,
    Policy,
    Pruner,
    Request,
    check_pruned,
    count_parameters,
)
from porting.pruners.latency_budget import offered
from porting.pruners.measured_target import MeasuredTarget
from porting.pruners.policies import Uniform, UniformOnPlateaus, WithinLatency, whole_widths
from porting.pruners.rate_search import Try, search
from profiler.common.errors import BadInputError, DnnPortingError


@dataclass(frozen=True)
class Reached:
    """The result of a search for a throughput."""

    images_per_s_before: float
    images_per_s: float
    tries: int


@dataclass(frozen=True)
class Surgery:
    """Cuts copies of networks; aims relate to the unpruned network `whole`, whose recipe has this `key`.

    `name` is that of the pruner.
    """

    name: str
    pruner: Pruner
    whole: nn.Module
    key: str
    batches: Batches
    measured_target: MeasuredTarget | None

    def once(self, model: nn.Module, policy: Policy) -> nn.Module:
        """Returns a smaller copy with the widths of the policy.

        Raises `NothingPrunedError` where no channel is removed, and `BadInputError` where the pruner fails.
        """
        if isinstance(policy, UniformOnPlateaus | WithinLatency):
            groups = self.groups_of(model)
            whole = whole_widths(policy.whole, groups)
            self.measured().with_operators_of(model, groups, self.example, whole)
        model, request = copy.deepcopy(model), Request(policy, self.batches)
        before = count_parameters(model)
        try:
            smaller = self.pruner.prune(model, request)
        except DnnPortingError:
            raise
        except Exception as error:
            # Engines run code of any network, which may raise any error.
            raise BadInputError(
                f"pruner {self.name} cannot prune {type(model).__name__} ({cause_of(model, error)}): take another"
            ) from error
        check_pruned(before, smaller, request)
        return smaller

    def policy(self, aim: Aim, round_to: int | None) -> Policy:
        """The policy that chooses the widths for an aim that needs no search."""
        widths = [group.width for group in self.groups_of(self.whole)]
        if aim.kind == "ratio" and round_to is not None:
            return Uniform(aim.value, round_to, widths)
        kind = UniformOnPlateaus if aim.kind == "ratio" else WithinLatency
        return kind(aim.value, self.measured().costs, widths)

    def relative(self, aim: Aim) -> Aim:
        """An absolute throughput as a speed-up; any other aim unchanged.

        Raises `BadInputError` for a throughput that the unpruned network already has.
        """
        if aim.kind != "images_per_s":
            return aim
        whole = self.whole_images_per_s()
        if aim.value <= whole:
            raise BadInputError(
                f"{aim.value:,.4g} images/s need no pruning, the network gives {whole:,.0f}: ask for more"
            )
        return Aim("speedup", aim.value / whole)

    def to_throughput(self, model: nn.Module, speed_up: float) -> tuple[nn.Module, Reached]:
        """Prunes to shares of the latency and measures each network, until the speed-up is met within 5 %.

        The result may be `model` itself, which may be cut already. Raises `BadInputError` where even the smallest
        network is too slow.
        """
        measured, widths = self.measured(), [group.width for group in self.groups_of(self.whole)]
        whole = self.whole_images_per_s()
        wanted = speed_up * whole
        found: dict[float, nn.Module] = {}

        def measure(share: float) -> float:
            try:
                found[share] = self.once(model, WithinLatency(share, measured.costs, widths))
            except NothingPrunedError:
                found[share] = model
            return measured.throughput.images_per_s(copy.deepcopy(found[share]), self.example)

        tries = search(measure, Try(1.0, whole), wanted, *self.shares(model, widths))
        best = tries[-1]
        return found[best.share], Reached(whole, best.images_per_s, len(tries))

    def shares(self, model: nn.Module, whole: Sequence[int]) -> tuple[float, float]:
        """The latency of the narrowest network that can be cut from `model`, and that of `model`.

        Both are shares of the latency of the unpruned network, whose groups have the widths `whole`.
        """
        groups, measured = self.groups_of(model), self.measured()
        full, now = whole_widths(whole, groups), [group.width for group in groups]
        measured.with_operators_of(model, groups, self.example, full)
        costs = measured.costs.of(model, groups, self.example, full)
        narrowest = [min(widths) for widths in offered(costs, now, costs.step)]
        return costs.us(narrowest) / costs.us(full), costs.us(now) / costs.us(full)

    @property
    def example(self) -> Tensor:
        """Two images (2, C, H, W)."""
        return self.batches[0][0][:2]

    def groups_of(self, model: nn.Module) -> Sequence[ChannelGroup]:
        """The groups of channels of a network."""
        return channel_groups(model, dependency_graph(model, self.example))

    def whole_images_per_s(self) -> float:
        """The throughput of the unpruned network, measured once."""
        measured = self.measured()
        return measured.throughput.once(self.key, copy.deepcopy(self.whole), self.example)

    def measured(self) -> MeasuredTarget:
        """The target to measure on, with the operators of the unpruned network in its table."""
        if self.measured_target is None:
            raise DnnPortingError("this aim needs measurements on a target: add one with target=NAME")
        self.measured_target.with_operators_of(self.whole, self.groups_of(self.whole), self.example)
        return self.measured_target
