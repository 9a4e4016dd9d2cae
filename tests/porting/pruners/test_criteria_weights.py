"""The criteria that look at weights alone, against plain loops; and what every criterion promises."""

import copy
import math

import pytest
import torch
from modules import tensor
from tiny_networks import GROUPS, Chain, Concatenated, Depthwise, Flattened, Residual, batches, built
from torch import Tensor, nn

from porting.pruners.channel_groups import ChannelGroup, channel_groups
from porting.pruners.criteria.gates import Hessian, Taylor
from porting.pruners.criteria.weights import FPGM, BNScale, Norm, Random
from porting.pruners.dependency_graph import dependency_graph
from porting.pruners.interface import Criterion
from profiler.common.errors import BadInputError

CRITERIA: dict[str, Criterion] = {
    "l1": Norm(1), "l2": Norm(2), "fpgm": FPGM(), "bn_scale": BNScale(), "random": Random(0), "taylor": Taylor(),
    "hessian": Hessian(),
}  # fmt: skip


def groups_of(model: nn.Module) -> list[ChannelGroup]:
    return channel_groups(model, dependency_graph(model, batches()[0][0][:2]))


def rows(model: nn.Module, name: str) -> list[list[float]]:
    return [row.flatten().tolist() for row in tensor(model, f"{name}.weight")]


@pytest.mark.parametrize("network", GROUPS)
@pytest.mark.parametrize("p", [1, 2])
def test_a_norm_is_the_sum_over_tied_layers_of_each_filter_s_norm(network: type[nn.Module], p: int) -> None:
    model = built(network)
    groups = groups_of(model)
    assert groups
    for group, found in zip(groups, Norm(p).score(model, groups, batches()), strict=True):
        expected = [
            sum(sum(abs(weight) ** p for weight in rows(model, name)[channel]) ** (1 / p) for name in group.names)
            for channel in range(group.width)
        ]
        assert found.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("network", GROUPS)
def test_fpgm_is_the_sum_of_distances_to_all_other_filters(network: type[nn.Module]) -> None:
    model = built(network)
    groups = groups_of(model)
    assert groups
    for group, found in zip(groups, FPGM().score(model, groups, batches()), strict=True):
        filters = [
            [weight for name in group.names for weight in rows(model, name)[channel]] for channel in range(group.width)
        ]
        expected = [sum(math.dist(one, other) for other in filters) for one in filters]
        assert found.tolist() == pytest.approx(expected)


def test_fpgm_tells_filters_apart_that_nearly_agree() -> None:
    model = nn.Sequential(nn.Conv2d(1, 40, 1), nn.Flatten())
    with torch.no_grad():
        tensor(model, "0.weight")[:] = 1000 + torch.arange(40.0).view(40, 1, 1, 1) / 1024
    group = ChannelGroup(("0",), 40, (), ())
    expected = [sum(abs(one - other) / 1024 for other in range(40)) for one in range(40)]
    assert FPGM().score(model, [group], [])[0].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("network", [Chain, Residual, Depthwise])
def test_bn_scale_is_the_sum_of_the_absolute_scales(network: type[nn.Module]) -> None:
    model = built(network)
    with torch.no_grad():
        tensor(model, "bn1.weight")[0] *= -1
    groups = groups_of(model)
    assert groups
    for tied, found in zip(GROUPS[network], BNScale().score(model, groups, batches()), strict=True):
        scales = {name: tensor(model, f"{name}.weight").tolist() for name in tied.norms}
        expected = [
            sum(abs(scales[name][places[channel][0]]) for name, places in tied.norms.items())
            for channel in range(len(found))
        ]
        assert found.tolist() == pytest.approx(expected)


def test_bn_scale_finds_a_channel_s_scale_behind_a_concatenation() -> None:
    model = built(Concatenated)
    groups = groups_of(model)[:2]
    first, second = BNScale().score(model, groups, batches())
    assert torch.allclose(first, model.bn1.weight + model.bn2.weight[:4])
    assert torch.allclose(second, model.bn2.weight[4:])


@pytest.mark.parametrize(("network", "layer"), [(Concatenated, "conv3"), (Flattened, "fc1")])
def test_bn_scale_names_the_layer_without_batch_normalisation(network: type[nn.Module], layer: str) -> None:
    model = built(network)
    with pytest.raises(BadInputError, match=f"no batch normalisation scales the channels of layer {layer}, .* l1"):
        BNScale().score(model, groups_of(model), batches())


def test_random_scores_depend_on_the_seed_alone() -> None:
    model = built(Chain)
    groups = groups_of(model)
    first, second, other = (Random(seed).score(model, groups, batches()) for seed in (1, 1, 2))
    assert all(torch.equal(one, two) for one, two in zip(first, second, strict=True))
    assert not torch.equal(first[0], other[0])
    assert all(0 <= float(score) < 1 for score in torch.cat(first))


def test_an_unknown_norm_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"p=3 is no norm .* choose 1 or 2"):
        Norm(3)


def state(model: nn.Module) -> list[object]:
    """Everything that scoring could change beside the tensors' values."""
    return [
        [module.training for module in model.modules()],
        [parameter.requires_grad for parameter in model.parameters()],
        [parameter.grad for parameter in model.parameters()],
        [len(module._forward_pre_hooks) + len(module._forward_hooks) for module in model.modules()],
    ]


@pytest.mark.parametrize("name", CRITERIA)
def test_scoring_leaves_the_network_as_it_was(name: str) -> None:
    model = built(Residual).train()
    model.bn1.eval()
    model.fc.requires_grad_(False)
    groups = groups_of(model)
    before, tensors = state(model), copy.deepcopy(model.state_dict())
    CRITERIA[name].score(model, groups, batches())
    assert state(model) == before
    assert all(torch.equal(tensor, tensors[key]) for key, tensor in model.state_dict().items())


@pytest.mark.parametrize("name", ["taylor", "hessian"])
def test_a_failing_run_leaves_no_gate_behind(name: str) -> None:
    model = built(Chain)
    before = state(model)
    groups = groups_of(model)
    with pytest.raises(RuntimeError):
        CRITERIA[name].score(model, groups, [(torch.zeros(2, 9, 8, 8, dtype=torch.float64), torch.zeros(2).long())])
    assert state(model) == before


@pytest.mark.parametrize("name", CRITERIA)
def test_the_same_network_has_the_same_scores(name: str) -> None:
    model = built(Depthwise)
    groups = groups_of(model)

    def scores(criterion: Criterion) -> list[Tensor]:
        torch.manual_seed(3)
        return criterion.score(model, groups, batches())

    first, second = scores(CRITERIA[name]), scores(CRITERIA[name])
    assert first
    for one, two in zip(first, second, strict=True):
        assert torch.equal(one, two)
        assert one.dtype.is_floating_point
