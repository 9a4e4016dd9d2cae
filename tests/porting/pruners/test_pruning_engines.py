"""Both engines with every criterion that they share: smaller networks, the same widths, the right channels."""

import copy
import itertools
from collections.abc import Callable, Sequence

import pytest
import torch
from modules import convolution, tensor
from pruned import ENGINES, SHARED, Two, pictures, request_for, seen, widths
from torch import Tensor, nn

from backbones.densenet import densenet_bc
from backbones.efficientnet import efficientnet_lite0
from backbones.mobilenet import mobilenet_v2
from backbones.resnet import resnet8, resnet20
from porting.pruners.channel_groups import ChannelGroup, channel_groups
from porting.pruners.criteria.gates import Hessian
from porting.pruners.criteria.weights import BNScale, Random
from porting.pruners.dependency_graph import dependency_graph
from porting.pruners.engines.torch_pruning import TorchPruning, check_widths, planned
from porting.pruners.interface import Criterion, Request, check_pruned, count_parameters
from porting.pruners.policies import Uniform
from profiler.common.errors import DnnPortingError

BACKBONES: dict[str, Callable[[], nn.Module]] = {
    "resnet8": lambda: resnet8(3, 10),
    "mobilenet_v2": lambda: mobilenet_v2(3, 10, 0.25, "cifar"),
    "densenet_bc": lambda: densenet_bc(3, 10, 22, 8),
}


@pytest.mark.parametrize(("engine", "criterion", "backbone"), list(itertools.product(ENGINES, SHARED, BACKBONES)))
def test_a_pruned_network_is_smaller_and_runs(engine: str, criterion: str, backbone: str) -> None:
    model = seen(BACKBONES[backbone]())
    before, first = count_parameters(model), widths(model)[0]
    pruned = ENGINES[engine](criterion).prune(model, request_for(0.5))
    check_pruned(before, pruned, request_for(0.5))
    assert widths(pruned)[0] == first // 2
    assert count_parameters(pruned) < 0.4 * before
    assert not any("mask" in name for name, _ in pruned.named_buffers())


@pytest.mark.parametrize("criterion", [Hessian(), BNScale(), Random(0)], ids=["hessian", "bn_scale", "random"])
def test_a_criterion_that_nni_lacks_prunes_too(criterion: Criterion) -> None:
    pruned = TorchPruning(criterion).prune(seen(resnet20(3, 10)), request_for(0.5))
    check_pruned(count_parameters(resnet20(3, 10)), pruned, request_for(0.5))
    assert widths(pruned)[:2] == [8, 8]


@pytest.mark.parametrize("backbone", [*BACKBONES, "efficientnet_lite0"])
def test_both_engines_give_the_same_widths_and_for_l1_the_same_network(backbone: str) -> None:
    model = seen(BACKBONES.get(backbone, lambda: efficientnet_lite0(3, 10, "cifar"))())
    found = [engine("l1").prune(copy.deepcopy(model), request_for(0.4)) for engine in ENGINES.values()]
    assert widths(found[0]) == widths(found[1])
    with torch.no_grad():
        first, second = (model.eval()(pictures()[0][0]) for model in found)
    assert torch.allclose(first, second, atol=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_widths_come_from_a_policy_that_sees_the_scores(engine: str) -> None:
    class BelowTheMean:
        def widths(self, _: nn.Module, __: Sequence[ChannelGroup], scores: Sequence[Tensor], ___: Tensor) -> list[int]:
            mean = torch.cat(list(scores)).mean()
            return [max(2, int((score > mean).sum())) for score in scores]

    model = seen(resnet8(3, 10))
    request = Request(BelowTheMean(), pictures())
    groups = channel_groups(model, dependency_graph(model, request.example))
    scores = SHARED["taylor"]().score(model, groups, request.batches)
    expected = BelowTheMean().widths(model, groups, scores, request.example)
    pruned = ENGINES[engine]("taylor").prune(model, request)
    assert [convolution(pruned, group.names[0]).out_channels for group in groups] == expected
    assert len(set(zip(expected, (group.width for group in groups), strict=True))) > 1


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("criterion", ["l1", "l2"])
def test_norms_keep_the_channels_with_the_largest_weights(engine: str, criterion: str) -> None:
    torch.manual_seed(0)
    model = Two()
    with torch.no_grad():
        model.conv.weight.mul_(torch.tensor([9.0, 1, 8, 1, 7, 1, 6, 1]).view(-1, 1, 1, 1))
        model.fc.weight.fill_(1.0)
    kept = model.conv.weight[[0, 2, 4, 6]].clone()
    pruned = ENGINES[engine](criterion).prune(model, request_for(0.5))
    assert torch.allclose(tensor(pruned, "conv.weight"), kept)


@pytest.mark.parametrize("engine", ENGINES)
def test_taylor_keeps_the_channels_that_the_loss_depends_on(engine: str) -> None:
    torch.manual_seed(0)
    model = Two()
    with torch.no_grad():
        # The classifier does not look at the odd channels, however large their weights are.
        model.fc.weight[:, 1::2] = 0
        model.conv.weight[1::2] *= 10
    kept = model.conv.weight[::2].clone()
    pruned = ENGINES[engine]("taylor").prune(model, request_for(0.5))
    assert torch.allclose(tensor(pruned, "conv.weight"), kept)


def test_taylor_sees_what_batch_normalisation_shuts_off() -> None:
    model = seen(resnet8(3, 10))
    with torch.no_grad():
        tensor(model, "layer1.0.bn1.weight")[::2] = 0
        tensor(model, "layer1.0.bn1.bias")[::2] = 0
        # However large the filters before it are.
        tensor(model, "layer1.0.conv1.weight")[::2] *= 10
    kept = tensor(model, "layer1.0.conv1.weight")[1::2].clone()
    pruned = TorchPruning(SHARED["taylor"]()).prune(model, request_for(0.5))
    assert tensor(pruned, "layer1.0.bn1.weight").tolist() == [1.0] * 8
    # Its inputs are cut as well: which of the 16 stay is the stem's to say.
    cut = tensor(pruned, "layer1.0.conv1.weight")
    stay = [torch.isin(filters, one).all() for filters, one in zip(cut, kept, strict=True)]
    assert all(stay)


@pytest.mark.parametrize("engine", ENGINES)
def test_fpgm_drops_the_channels_nearest_to_all_others(engine: str) -> None:
    torch.manual_seed(0)
    model = Two()
    with torch.no_grad():
        far = torch.randn(4, 3, 3, 3) * 5
        model.conv.weight[::2] = far
        model.conv.weight[1::2] = far.mean(dim=0) + torch.randn(4, 3, 3, 3) * 0.01
        model.fc.weight.fill_(1.0)
    pruned = ENGINES[engine]("fpgm").prune(model, request_for(0.5))
    assert torch.allclose(tensor(pruned, "conv.weight"), far)


@pytest.mark.parametrize("engine", ENGINES)
def test_pruning_does_not_move_batch_normalisation(engine: str) -> None:
    model = seen(resnet8(3, 10)).train()
    stored = set(tensor(model, "bn1.running_mean").tolist())
    pruned = ENGINES[engine]("taylor").prune(model, request_for(0.5))
    assert set(tensor(pruned, "bn1.running_mean").tolist()) <= stored


@pytest.mark.parametrize("engine", ENGINES)
def test_one_image_is_enough(engine: str) -> None:
    images, labels = pictures()[0]
    request = Request(Uniform(0.5, 4), [(images[:1], labels[:1])])
    assert widths(ENGINES[engine]("taylor").prune(seen(resnet8(3, 10)), request))[0] == 8


def test_an_engine_that_keeps_other_widths_is_found_out() -> None:
    model, request = resnet8(3, 10), request_for(0.5)
    groups = channel_groups(model, dependency_graph(model, request.example))
    cuts = planned(model, groups, SHARED["l1"](), request)
    with pytest.raises(DnnPortingError, match=r"layer .* kept (\d+) of \1 channels where \d+ were due"):
        check_widths(model, cuts)


def test_pruning_the_same_network_twice_gives_the_same() -> None:
    model = seen(resnet8(3, 10))
    first, second = (
        TorchPruning(Hessian()).prune(copy.deepcopy(model), request_for(0.5)).state_dict() for _ in range(2)
    )
    assert first
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_equal_scores_drop_the_first_channels() -> None:
    class Same:
        def score(self, _: nn.Module, groups: Sequence[ChannelGroup], __: object) -> list[Tensor]:
            return [torch.ones(group.width) for group in groups]

    model = Two()
    kept = model.conv.weight[4:].clone()
    pruned = TorchPruning(Same()).prune(model, request_for(0.5))
    assert torch.equal(tensor(pruned, "conv.weight"), kept)
