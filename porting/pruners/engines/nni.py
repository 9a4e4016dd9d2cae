"""The engine on NNI 3.0: its pruners score and mask channels, and its `ModelSpeedup` cuts the masked channels out.

`dependency_group_id` names the tied layers, as little could be cut where their masks differ. The speed-up gets a graph
from torch.fx, as its own tracer fails on current torch.
"""

import importlib.util
import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from porting.common.console import silenced
from porting.pruners.channel_groups import channel_groups
from porting.pruners.criteria.gates import Taylor
from porting.pruners.criteria.weights import FPGM, Norm
from porting.pruners.dependency_graph import cause_of, dependency_graph
from porting.pruners.engines.nni_settings import configuration, evaluator, trace, untouched_statistics
from porting.pruners.engines.torch_pruning import Cut, check_widths, planned
from porting.pruners.interface import Criterion, Request
from profiler.common.errors import BadInputError

# The criteria of NNI and their equivalents here, which choose the widths, so that these depend on no engine.
CRITERIA: dict[str, Callable[[], Criterion]] = {
    "taylor": Taylor,
    "l1": lambda: Norm(1),
    "l2": lambda: Norm(2),
    "fpgm": FPGM,
}


class NNI:
    """The criteria Taylor, L1, L2 and FPGM of NNI; raises `ValueError` for another name.

    The package `nni` has no wheel for Arm.
    """

    def __init__(self, criterion: str) -> None:
        if criterion not in CRITERIA:
            raise ValueError(
                f"criterion {criterion!r} is unknown: NNI has {', '.join(CRITERIA)}, "
                "and porting.pruners.engines.torch_pruning.TorchPruning takes any other"
            )
        self.criterion = criterion

    def prune(self, model: nn.Module, request: Request) -> nn.Module:
        """Cuts the network; raises `BadInputError` where NNI is absent or fails."""
        if importlib.util.find_spec("nni") is None:
            raise BadInputError(
                "the package nni is not installed: pip install nni==3.0 (x86-64 only), or take another pruner"
            )
        groups = channel_groups(model, dependency_graph(model, request.example))
        cuts = planned(model, groups, CRITERIA[self.criterion](), request)
        graph_module = trace(model)
        try:
            # The checks after the cut find the channels that NNI did not cut.
            with silenced(logging.ERROR):
                smaller = self._cut(model, graph_module, cuts, request)
        except Exception as error:
            # The speed-up walks through all operations of the network, which may raise any error.
            raise BadInputError(
                f"NNI cannot cut {type(model).__name__} ({cause_of(model, error)}): "
                "take a pruner without nni in its name"
            ) from error
        check_widths(smaller, cuts)
        smaller.zero_grad(set_to_none=True)
        return smaller

    def _cut(
        self, model: nn.Module, graph_module: torch.fx.GraphModule, cuts: list[Cut], request: Request
    ) -> nn.Module:
        from nni.compression.speedup import ModelSpeedup

        with untouched_statistics(model):
            masks = self._masks(model, cuts, request)
        model.eval()
        smaller: nn.Module = ModelSpeedup(model, request.example, masks, graph_module=graph_module).speedup_model()
        return smaller

    def _masks(self, model: nn.Module, cuts: list[Cut], request: Request) -> dict[str, Any]:
        from nni.compression.pruning import FPGMPruner, L1NormPruner, L2NormPruner, TaylorPruner

        config = configuration(model, cuts)
        if self.criterion == "taylor":
            pruner = TaylorPruner(model, config, evaluator(model, request), training_steps=len(request.batches))
        else:
            pruner = {"l1": L1NormPruner, "l2": L2NormPruner, "fpgm": FPGMPruner}[self.criterion](model, config)
        masks: dict[str, Any] = pruner.compress()[1]
        pruner.unwrap_model()
        return masks
