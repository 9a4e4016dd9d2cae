"""The engine on NNI 3.0: its pruners score and mask, its `ModelSpeedup` cuts the masked channels out.

NNI is told which layers are tied (`dependency_group_id`), or masks of tied layers would differ and little
could be cut. Its speed-up needs a graph that torch.fx traced: its own tracer fails on current torch.
"""

import importlib.util
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import Any

import torch
from torch import Tensor, nn

from porting.pruners.groups import CoupledLayers, check_widths, coupled_layers, dependency_graph
from porting.pruners.interface import Request, checked_criterion, untouched_statistics
from profiler.errors import BadInputError


class NNI:
    """Taylor, L1 or FPGM as NNI implements them; needs the `nni` package, which has no Arm wheel."""

    def __init__(self, criterion: str) -> None:
        self.criterion = checked_criterion(criterion)

    def prune(self, model: nn.Module, request: Request) -> nn.Module:
        if importlib.util.find_spec("nni") is None:
            raise BadInputError(
                "the package nni is not installed: pip install nni==3.0 (x86-64 only), or take another pruner"
            )
        example = request.batches[0][0][:2]
        groups = coupled_layers(model, dependency_graph(model, example), request.ratio, request.round_to)
        if not groups:
            return model
        with quiet():
            from nni.compression.speedup import ModelSpeedup

            with untouched_statistics(model):
                masks = self._masks(model, groups, request)
            model.eval()
            smaller: nn.Module = ModelSpeedup(model, example, masks, graph_module=trace(model)).speedup_model()
        check_widths(smaller, groups)
        smaller.zero_grad(set_to_none=True)
        return smaller

    def _masks(self, model: nn.Module, groups: list[CoupledLayers], request: Request) -> dict[str, Any]:
        from nni.compression.pruning import FPGMPruner, L1NormPruner, TaylorPruner

        config = configuration(model, groups)
        if self.criterion == "taylor":
            pruner = TaylorPruner(model, config, evaluator(model, request), training_steps=len(request.batches))
        else:
            pruner = {"l1": L1NormPruner, "fpgm": FPGMPruner}[self.criterion](model, config)
        masks: dict[str, Any] = pruner.compress()[1]
        pruner.unwrap_model()
        return masks


@contextmanager
def quiet() -> Iterator[None]:
    """Holds back what NNI prints, logs and warns of for each layer, and undoes its changes to the root logger.

    What it could not cut shows in the checks that follow every pruning.
    """
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    logging.disable(logging.ERROR)
    try:
        with redirect_stdout(StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
        root.setLevel(level)
        root.handlers[:] = handlers


def configuration(model: nn.Module, groups: list[CoupledLayers]) -> list[dict[str, Any]]:
    """NNI's list of settings, one for each tied group."""
    return [
        {
            "op_names": list(group.names),
            "op_types": sorted({type(model.get_submodule(name)).__name__ for name in group.names}),
            "sparse_ratio": 1 - group.keep / group.width,
            "dependency_group_id": f"group_{index}",
        }
        for index, group in enumerate(groups)
    ]


def trace(model: nn.Module) -> torch.fx.GraphModule:
    """The network's graph; raises `BadInputError` where torch.fx cannot follow its code."""
    try:
        return torch.fx.symbolic_trace(model)
    except Exception as error:
        # Tracing runs the network's own code on proxies, so it fails with whatever that code raises.
        raise BadInputError(
            f"torch.fx cannot trace {type(model).__name__} ({error}): take a torch-pruning pruner"
        ) from error


def evaluator(model: nn.Module, request: Request) -> Any:
    """What NNI calls to see gradients: an optimiser that moves nothing, and a walk over the batches."""
    import nni
    from nni.compression import TorchEvaluator

    optimiser = nni.trace(torch.optim.SGD)(model.parameters(), lr=0.0)

    def training_step(batch: tuple[Tensor, Tensor], model: nn.Module) -> Tensor:
        images, labels = batch
        return nn.functional.cross_entropy(model(images), labels)

    def training(
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        step: Callable[..., Tensor],
        *_: Any,
        **__: Any,
    ) -> None:
        model.eval()
        for batch in request.batches:
            optimiser.zero_grad()
            torch.autograd.backward(step(batch, model))
            optimiser.step()

    return TorchEvaluator(training, optimiser, training_step, dummy_input=request.batches[0][0][:2])
