"""What cannot be pruned is refused in one line with the reason and the fix, and never left as it was in silence."""

import copy
from collections.abc import Callable, Sequence

import pytest
import torch
from modules import convolution
from pruned import ENGINES, SHARED, Given, Two, pictures, request_for
from torch import Tensor, nn

from backbones.by_name import timm_network, torchvision_network
from backbones.resnet import resnet8
from porting.pruners.channel_groups import ChannelGroup
from porting.pruners.criteria.weights import Norm
from porting.pruners.dependency_graph import dependency_graph
from porting.pruners.engines.nni import NNI
from porting.pruners.engines.torch_pruning import TorchPruning
from porting.pruners.interface import Request, check_pruned
from porting.pruners.policies import Uniform
from profiler.common.errors import BadInputError, DnnPortingError


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(BadInputError) as refused:
        act()
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_ratio_that_rounding_takes_back(engine: str) -> None:
    said = refusal(lambda: ENGINES[engine]("l1").prune(resnet8(3, 10), request_for(0.01, round_to=16)))
    assert said == (
        "ratio 0.01 with prune.round_to=16 prunes nothing from ResNet: ask for more, or for a smaller prune.round_to"
    )


def test_an_engine_that_did_nothing() -> None:
    model = Two()
    said = refusal(lambda: check_pruned(sum(p.numel() for p in model.parameters()), model, request_for(0.5)))
    assert "prunes nothing from Two" in said


@pytest.mark.parametrize("ratio", [0.0, 1.0, -0.5, 1.5, float("nan")])
def test_a_ratio_that_no_network_can_give(ratio: float) -> None:
    assert "take one between 0 and 1" in refusal(lambda: request_for(ratio))


def test_a_plateau_of_no_width_and_no_images() -> None:
    assert "prune.round_to=0" in refusal(lambda: request_for(0.5, round_to=0))
    assert "set prune.scoring_batches to 1 or more" in refusal(lambda: Request(Uniform(0.5, 4), []))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_frozen_network(engine: str) -> None:
    model = resnet8(3, 10).requires_grad_(False)
    assert "frozen, so nothing could be pruned: unfreeze them" in refusal(
        lambda: ENGINES[engine]("l1").prune(model, request_for(0.5))
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_of_which_only_the_classifier_is_not_frozen(engine: str) -> None:
    model = resnet8(3, 10).requires_grad_(False)
    model.fc.requires_grad_(True)
    assert "ResNet has no channels that can be pruned: " in refusal(
        lambda: ENGINES[engine]("l1").prune(model, request_for(0.5))
    )


def test_a_network_without_channels() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(768, 10))
    assert "no channels that can be pruned" in refusal(lambda: TorchPruning(Norm(1)).prune(model, request_for(0.5)))


class Block(nn.Module):
    """Takes its input to be of another size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.conv(x).view(7, 7)
        return answer


class Views(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.blocks = nn.Sequential(nn.ReLU(), Block())

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.blocks(self.stem(x))
        return answer


@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_that_cannot_be_traced_names_the_module(engine: str) -> None:
    said = refusal(lambda: ENGINES[engine]("l1").prune(Views(), request_for(0.5)))
    assert said.startswith("Views cannot be traced for pruning: module blocks.1 (Block) raises RuntimeError: shape")


def test_the_innermost_layer_of_torch_is_named_too() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Sequential(nn.BatchNorm2d(4), nn.ReLU()))
    said = refusal(lambda: dependency_graph(model, pictures()[0][0]))
    assert "module 1.0 (BatchNorm2d) raises RuntimeError" in said


def test_a_network_whose_channels_cannot_be_followed_names_the_module_before() -> None:
    model = torchvision_network(3, 10, "shufflenet_v2_x0_5")
    said = refusal(lambda: TorchPruning(Norm(1)).prune(model, request_for(0.5, size=32)))
    assert "ShuffleNetV2 cannot be traced for pruning: an operation after module stage" in said


class Choice(nn.Module):
    """Its way depends on the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) if x.sum() > -1e9 else x


class Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.choice, self.fc = nn.Conv2d(3, 8, 3), Choice(), nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.fc(self.choice(self.stem(x)).mean(dim=(2, 3)))
        return answer


def test_a_network_that_nni_cannot_trace_names_the_module() -> None:
    said = refusal(lambda: NNI("l1").prune(Branches(), request_for(0.5)))
    assert said.startswith("NNI needs a trace by torch.fx, which fails for Branches (module choice (Choice) raises ")
    assert said.endswith("take a pruner without nni in its name")
    pruned = TorchPruning(Norm(1)).prune(Branches(), request_for(0.5))
    assert convolution(pruned, "stem").out_channels == 4


def test_a_network_that_nni_cannot_cut() -> None:
    model = timm_network(3, 10, "mobilenetv3_small_050")
    said = refusal(lambda: NNI("l1").prune(model, request_for(0.5, size=32)))
    assert said.startswith("NNI cannot cut MobileNetV3 (")
    assert said.endswith("take a pruner without nni in its name")


def test_a_network_whose_code_fixes_a_width_names_the_module() -> None:
    class Fixed(Two):
        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = self.fc(self.conv(x).mean(dim=(2, 3)).view(-1, 8))
            return answer

    pruned = TorchPruning(Norm(1)).prune(Fixed(), request_for(0.5))
    said = refusal(lambda: check_pruned(10**9, pruned, request_for(0.5)))
    assert "pruned to ratio 0.5 with prune.round_to=4 does not run (module fc (Linear) raises RuntimeError" in said


@pytest.mark.parametrize("scores", [
    [torch.full((8,), float("nan"))], [torch.ones(7)], [], [torch.ones(8), torch.ones(8)],
], ids=["nan", "too few channels", "no group", "too many groups"])  # fmt: skip
def test_a_criterion_that_ranks_nothing_is_named(scores: list[Tensor]) -> None:
    class Mine:
        def score(self, _: nn.Module, groups: Sequence[ChannelGroup], __: object) -> list[Tensor]:
            return copy.copy(scores)

    assert "criterion Mine " in refusal(lambda: TorchPruning(Mine()).prune(Two(), request_for(0.5)))


@pytest.mark.parametrize("keep", [0, 9])
def test_a_policy_that_keeps_what_is_not_there(keep: int) -> None:
    with pytest.raises(DnnPortingError, match=f"layer conv cannot keep {keep} of 8 channels"):
        TorchPruning(Norm(1)).prune(Two(), Request(Given([keep]), pictures()))


def test_a_criterion_by_a_bare_name_is_refused_with_the_way_to_write_it() -> None:
    with pytest.raises(ValueError, match=r"criterion 'taylor' has no score\(\): .*criteria.gates.Taylor"):
        TorchPruning("taylor")  # type: ignore[arg-type]


def test_a_criterion_that_nni_lacks_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=f"criterion 'hessian' is unknown: NNI has {', '.join(SHARED)}, "):
        NNI("hessian")
