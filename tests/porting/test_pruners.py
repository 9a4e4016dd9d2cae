"""Both engines, every criterion: smaller networks, the same widths, the right channels, exact reloads."""

import copy
import itertools

import pytest
import torch
from torch import Tensor, nn

from backbones.mobilenet import mobilenet_v2
from backbones.resnet import resnet8, resnet20
from porting.networks.manifest import Manifest, answers, describe, fixed_input, restore
from porting.pruners.groups import check_widths, coupled_layers, dependency_graph, kept_width
from porting.pruners.interface import CRITERIA, Pruner, Request, check_pruned, count_parameters
from porting.pruners.nni import NNI
from porting.pruners.torch_pruning import TorchPruning
from profiler.errors import BadInputError, DnnPortingError, ModelError

ENGINES = (TorchPruning, NNI)
BACKBONES = {"resnet8": resnet8, "resnet20": resnet20, "mobilenet_v2": mobilenet_v2}


def batches() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [
        (torch.randn(8, 3, 16, 16, generator=generator), torch.randint(10, (8,), generator=generator)) for _ in range(2)
    ]


def request_for(ratio: float, round_to: int = 4) -> Request:
    return Request(ratio, round_to, batches())


def seen(model: nn.Module) -> nn.Module:
    """A network whose batch normalisation has seen some images."""
    torch.manual_seed(0)
    model.train()
    for images, _ in batches():
        model(images)
    return model.eval()


def widths(model: nn.Module) -> list[int]:
    return [module.out_channels for module in model.modules() if isinstance(module, nn.Conv2d)]


@pytest.mark.parametrize(("width", "ratio", "round_to", "kept"), [
    (64, 0.5, 8, 32), (64, 0.3, 8, 48), (16, 0.75, 4, 4), (16, 0.9, 8, 8), (10, 0.1, 8, 10), (64, 0.3, 1, 45),
])  # fmt: skip
def test_kept_widths_are_rounded_up_to_a_plateau(width: int, ratio: float, round_to: int, kept: int) -> None:
    assert kept_width(width, ratio, round_to) == kept


@pytest.mark.parametrize(("engine", "criterion", "backbone"), list(itertools.product(ENGINES, CRITERIA, BACKBONES)))
def test_a_pruned_network_is_smaller_runs_and_reloads_exactly(engine, criterion: str, backbone: str) -> None:
    model = seen(BACKBONES[backbone](3, 10))
    before = count_parameters(model)
    pruner: Pruner = engine(criterion)
    pruned = pruner.prune(copy.deepcopy(model), request_for(0.5))
    check_pruned(before, pruned, request_for(0.5))
    assert widths(pruned)[0] == widths(model)[0] // 2
    assert count_parameters(pruned) < 0.35 * before
    assert not any("mask" in name for name, _ in pruned.named_buffers())

    manifest = Manifest.model_validate_json(describe(pruned, (3, 16, 16)).model_dump_json())
    weights = {name: tensor.clone() for name, tensor in pruned.state_dict().items()}
    again = restore(BACKBONES[backbone](3, 10), manifest, weights)
    assert torch.equal(answers(again, (3, 16, 16)), answers(pruned, (3, 16, 16)))


def test_both_engines_give_the_same_widths() -> None:
    model = seen(resnet20(3, 10))
    found = [widths(engine("l1").prune(copy.deepcopy(model), request_for(0.4))) for engine in ENGINES]
    assert found[0] == found[1]


class Two(nn.Module):
    """Two layers, the first one's channels free to be pruned."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, bias=False)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).mean(dim=(2, 3)))


@pytest.mark.parametrize("engine", ENGINES)
def test_l1_keeps_the_channels_with_the_largest_weights(engine) -> None:
    torch.manual_seed(0)
    model = Two()
    with torch.no_grad():
        model.conv.weight.mul_(torch.tensor([9.0, 1, 8, 1, 7, 1, 6, 1]).view(-1, 1, 1, 1))
        model.fc.weight.fill_(1.0)
    kept = model.conv.weight[[0, 2, 4, 6]].clone()
    pruned = engine("l1").prune(model, request_for(0.5))
    assert torch.allclose(pruned.conv.weight, kept)


@pytest.mark.parametrize("engine", ENGINES)
def test_taylor_keeps_the_channels_that_the_loss_depends_on(engine) -> None:
    torch.manual_seed(0)
    model = Two()
    with torch.no_grad():
        # The classifier does not look at the odd channels, however large their weights are.
        model.fc.weight[:, 1::2] = 0
        model.conv.weight[1::2] *= 10
    kept = model.conv.weight[::2].clone()
    pruned = engine("taylor").prune(model, request_for(0.5))
    assert torch.allclose(pruned.conv.weight, kept)


@pytest.mark.parametrize("engine", ENGINES)
def test_fpgm_drops_the_channels_nearest_to_all_others(engine) -> None:
    torch.manual_seed(0)
    model = Two()
    with torch.no_grad():
        far = torch.randn(4, 3, 3, 3) * 5
        model.conv.weight[::2] = far
        model.conv.weight[1::2] = far.mean(dim=0) + torch.randn(4, 3, 3, 3) * 0.01
        model.fc.weight.fill_(1.0)
    pruned = engine("fpgm").prune(model, request_for(0.5))
    assert torch.allclose(pruned.conv.weight, far)


@pytest.mark.parametrize("engine", ENGINES)
def test_scoring_does_not_move_batch_normalisation(engine) -> None:
    model = seen(resnet8(3, 10))
    stored = {float(value) for name, value in model.named_buffers() if name == "bn1.running_mean" for value in value}
    pruned = engine("taylor").prune(model, request_for(0.5))
    assert {float(value) for value in pruned.bn1.running_mean} <= stored


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_pruned_is_an_error_with_the_fix(engine) -> None:
    model = resnet8(3, 10)
    before = count_parameters(model)
    pruned = engine("l1").prune(model, request_for(0.01, round_to=16))
    with pytest.raises(BadInputError, match=r"prunes nothing from ResNet: ask for a larger ratio or a smaller"):
        check_pruned(before, pruned, request_for(0.01, round_to=16))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_frozen_network_is_refused(engine) -> None:
    model = resnet8(3, 10).requires_grad_(False)
    with pytest.raises(BadInputError, match="frozen"):
        engine("l1").prune(model, request_for(0.5))


def test_a_network_that_cannot_be_traced_is_named() -> None:
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x).view(7, 7)

    with pytest.raises(BadInputError, match="Broken cannot be traced"):
        TorchPruning("l1").prune(Broken(), request_for(0.5))


def test_the_classifier_keeps_its_outputs() -> None:
    model = resnet8(3, 10)
    groups = coupled_layers(model, dependency_graph(model, batches()[0][0]), 0.5, 4)
    assert all("fc" not in group.names for group in groups)


def test_layers_joined_by_a_shortcut_are_tied() -> None:
    model = resnet8(3, 10)
    groups = coupled_layers(model, dependency_graph(model, batches()[0][0]), 0.5, 4)
    assert {"conv1", "layer1.0.conv2"} in [set(group.names) for group in groups]


def test_a_manifest_for_another_backbone_is_refused() -> None:
    model = resnet8(3, 10)
    manifest = describe(model, (3, 16, 16))
    with pytest.raises(ModelError, match="not the one that was saved"):
        restore(mobilenet_v2(3, 10), manifest, dict(model.state_dict()))


@pytest.mark.parametrize("change", ["missing", "extra", "shape"])
def test_weights_are_loaded_strictly(change: str) -> None:
    model = resnet8(3, 10)
    manifest, weights = describe(model, (3, 16, 16)), dict(model.state_dict())
    if change == "missing":
        weights.pop("fc.bias")
    elif change == "extra":
        weights["more"] = torch.zeros(1)
    else:
        weights["fc.bias"] = torch.zeros(9)
    with pytest.raises(ModelError):
        restore(resnet8(3, 10), manifest, weights)


def test_other_answers_after_a_reload_are_refused() -> None:
    model = resnet8(3, 10)
    manifest, weights = describe(model, (3, 16, 16)), {k: v.clone() for k, v in model.state_dict().items()}
    weights["fc.bias"] += 0.1
    with pytest.raises(ModelError, match="does not answer as the saved one"):
        restore(resnet8(3, 10), manifest, weights)


@pytest.mark.parametrize("width", [0, -1, 1 << 40])
def test_impossible_widths_in_a_manifest_are_refused(width: int) -> None:
    model = resnet8(3, 10)
    manifest = describe(model, (3, 16, 16))
    manifest.layers["conv1"].widths["out_channels"] = width
    with pytest.raises(ModelError, match="cannot have"):
        restore(resnet8(3, 10), manifest, dict(model.state_dict()))


def test_the_fixed_input_is_what_it_always_was() -> None:
    assert fixed_input((1, 1, 2)).flatten().tolist() == pytest.approx([0.0, 0.644218, 0.985450, 0.863209], abs=1e-5)


def test_an_engine_that_keeps_other_widths_is_found_out() -> None:
    model = resnet8(3, 10)
    groups = coupled_layers(model, dependency_graph(model, batches()[0][0]), 0.5, 4)
    with pytest.raises(DnnPortingError, match=r"layer .* kept (\d+) of \1 channels where \d+ were due"):
        check_widths(model, groups)


def test_a_network_whose_code_fixes_a_width_is_refused() -> None:
    class Fixed(Two):
        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.conv(x).mean(dim=(2, 3)).view(-1, 8))

    model = Fixed()
    model.conv = nn.Conv2d(3, 4, 3)
    with pytest.raises(BadInputError, match=r"does not run|answers"):
        check_pruned(10**9, model, request_for(0.5))


def test_layers_that_pruning_cannot_change_reload_too() -> None:
    class Scaled(Two):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.full((1,), 2.0))

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * self.scale

    model = Scaled()
    manifest = describe(model, (3, 16, 16))
    again = restore(Scaled(), manifest, {name: tensor.clone() for name, tensor in model.state_dict().items()})
    assert torch.equal(answers(again, (3, 16, 16)), answers(model, (3, 16, 16)))
