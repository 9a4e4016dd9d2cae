"""The inputs of NNI: the settings of its pruners, a graph, a loop over the batches and unchanged statistics."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from porting.pruners.dependency_graph import cause_of
from porting.pruners.engines.torch_pruning import Cut
from porting.pruners.interface import Request
from profiler.common.errors import BadInputError


def configuration(model: nn.Module, cuts: list[Cut]) -> list[dict[str, Any]]:
    """The settings of NNI, one entry for each group."""
    return [
        {
            "op_names": list(cut.group.names),
            "op_types": sorted({type(model.get_submodule(name)).__name__ for name in cut.group.names}),
            # NNI rounds the number of masked channels down.
            "sparse_ratio": (cut.group.width - cut.keep + 0.5) / cut.group.width,
            "dependency_group_id": f"group_{index}",
        }
        for index, cut in enumerate(cuts)
    ]


def trace(model: nn.Module) -> torch.fx.GraphModule:
    """The network's graph; raises `BadInputError` where torch.fx cannot follow its code."""
    try:
        return torch.fx.symbolic_trace(model)
    except Exception as error:
        # Tracing runs the network's own code on proxies, which may raise any error.
        raise BadInputError(
            f"NNI needs a trace by torch.fx, which fails for {type(model).__name__} ({cause_of(model, error)}): "
            "take a pruner without nni in its name"
        ) from error


def evaluator(model: nn.Module, request: Request) -> Any:
    """The object that NNI calls for gradients: an optimiser with learning rate 0, and a loop over the batches."""
    import nni
    from nni.compression import TorchEvaluator

    optimiser = nni.trace(torch.optim.SGD)(model.parameters(), lr=0.0)

    def training_step(batch: tuple[Tensor, Tensor], model: nn.Module) -> Tensor:
        images, labels = batch
        return nn.functional.cross_entropy(model(images), labels)

    def training(
        model: nn.Module, optimiser: torch.optim.Optimizer, step: Callable[..., Tensor], *_: Any, **__: Any
    ) -> None:
        model.eval()
        for batch in request.batches:
            optimiser.zero_grad()
            torch.autograd.backward(step(batch, model))
            optimiser.step()

    return TorchEvaluator(training, optimiser, training_step, dummy_input=request.example)


@contextmanager
def untouched_statistics(model: nn.Module) -> Iterator[None]:
    """Restores the running statistics of batch normalisations, which scoring must not change."""
    saved = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        for buffer, was in saved:
            buffer.copy_(was)
