"""Torch-Pruning's own pruner with its own Taylor importance, as a baseline."""

import torch
import torch_pruning as tp
from torch import nn

from porting.pruners.interface import Request
from porting.pruners.policies import Uniform
from profiler.common.errors import BadInputError


class TorchPruningOwn:
    """`BasePruner` as its authors recommend it: global over isomorphic groups (Fang et al. 2024)."""

    def prune(self, model: nn.Module, request: Request) -> nn.Module:
        if not isinstance(request.policy, Uniform):
            raise BadInputError(f"Torch-Pruning's own pruner takes a ratio and prune.round_to, not {request.policy}")
        model.eval()
        model.zero_grad()
        with torch.enable_grad():
            for images, labels in request.batches:
                torch.autograd.backward(nn.functional.cross_entropy(model(images), labels))
        classifier = [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
        pruner = tp.pruner.BasePruner(
            model, request.example, tp.importance.GroupTaylorImportance(), global_pruning=True, isomorphic=True,
            pruning_ratio=request.policy.ratio, round_to=request.policy.round_to, ignored_layers=[classifier],
            in_channel_groups={}, out_channel_groups={},
        )  # fmt: skip
        pruner.step()
        model.zero_grad(set_to_none=True)
        return model
