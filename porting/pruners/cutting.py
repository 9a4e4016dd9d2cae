"""Cutting one network: once to what a policy says, or step by step until a measured throughput is reached."""

import copy
from dataclasses import dataclass

from torch import nn

from porting.console import say
from porting.pruners.aims import Aim
from porting.pruners.graph import blame, dependency_graph
from porting.pruners.groups import channel_groups
from porting.pruners.interface import Batches, Policy, Pruner, Request, check_pruned, count_parameters
from porting.pruners.on_target import OnTarget
from porting.pruners.policies import Uniform, UniformOnPlateaus, WithinLatency
from porting.pruners.rate_search import TOLERANCE, Try, search
from profiler.errors import BadInputError, DnnPortingError


@dataclass(frozen=True)
class Reached:
    """What a search for a throughput ended with."""

    images_per_s_before: float
    images_per_s: float
    tries: int


@dataclass(frozen=True)
class Cutting:
    """One network, which stays as it is, and what cuts it."""

    name: str
    pruner: Pruner
    model: nn.Module
    batches: Batches
    on_target: OnTarget | None

    def policy(self, aim: Aim, round_to: int | None) -> Policy:
        """How the aim's widths are chosen where nothing needs to be tried."""
        if aim.kind == "ratio" and round_to is not None:
            return Uniform(aim.value, round_to)
        measuring = self.measuring()
        # What the operators' table lacks is measured while nobody else does, a server of ours included.
        measuring.benches.close()
        kind = UniformOnPlateaus if aim.kind == "ratio" else WithinLatency
        return kind(aim.value, measuring.costs)

    def measuring(self) -> OnTarget:
        if self.on_target is None:
            raise DnnPortingError("a network is pruned to what is measured, and there is no target to measure on")
        return self.on_target

    def once(self, request: Request) -> nn.Module:
        """A smaller copy; raises `BadInputError` that names the pruner where it fails, or where nothing was pruned."""
        model = copy.deepcopy(self.model)
        before = count_parameters(model)
        try:
            smaller = self.pruner.prune(model, request)
        except DnnPortingError:
            raise
        except Exception as error:
            # Engines walk through a network that is not theirs and fail with whatever they stumble over.
            raise BadInputError(
                f"pruner {self.name} cannot prune {type(model).__name__} ({blame(model, error)}): take another"
            ) from error
        check_pruned(before, smaller, request)
        return smaller

    def to_throughput(self, aim: Aim, key: str) -> tuple[nn.Module, Reached]:
        """Prunes to shares of the latency, measures each network and corrects, until the throughput is within 5 %.

        The network's own throughput is kept under its `key`. Raises `BadInputError` where even the smallest network
        is too slow, or the whole one quick enough.
        """
        measuring = self.measuring()
        example = self.batches[0][0][:2]
        least = self.least_share()
        whole = measuring.throughput.once(key, copy.deepcopy(self.model), example)
        wanted = aim.value * whole if aim.kind == "speedup" else aim.value
        if wanted <= whole:
            raise BadInputError(f"{wanted:,.0f} images/s need no pruning, the network gives {whole:,.0f}: ask for more")
        found: dict[float, nn.Module] = {}

        def measure(share: float) -> float:
            found[share] = self.once(Request(WithinLatency(share, measuring.costs), self.batches))
            return measuring.throughput.images_per_s(copy.deepcopy(found[share]), example)

        tries = search(measure, Try(1.0, whole), wanted, least)
        best = tries[-1]
        if best.off(wanted) > TOLERANCE:
            say(
                f"prune     {wanted:,.0f} images/s are not met within {TOLERANCE:.0%}: the nearest of {len(tries)} "
                f"networks gives {best.images_per_s:,.0f}"
            )
        return found[best.share], Reached(whole, best.images_per_s, len(tries))

    def least_share(self) -> float:
        """Of the latency, that of the network with the narrowest layers; its operators are measured from here on."""
        measuring = self.measuring()
        # Nobody else may measure on this machine meanwhile, a server of ours included.
        measuring.benches.close()
        example = self.batches[0][0][:2]
        groups = channel_groups(self.model, dependency_graph(self.model, example))
        costs = measuring.costs.of(self.model, groups, example)
        full = [group.width for group in groups]
        return costs.least_us(full) / costs.network.us(full)
