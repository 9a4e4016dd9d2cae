"""Taylor and the Fisher information against finite differences and against what cutting does."""

from collections.abc import Sequence

import pytest
import torch
from pruned import Given
from tiny_networks import GROUPS, Reads, Tied, batches, built, scaled
from torch import Tensor, nn

from porting.pruners.channel_groups import ChannelGroup, Place, channel_groups
from porting.pruners.criteria.gates import Hessian, Taylor
from porting.pruners.dependency_graph import dependency_graph
from porting.pruners.engines.torch_pruning import TorchPruning
from porting.pruners.interface import Batches, Criterion, Request
from profiler.common.errors import BadInputError

# Small enough that no ReLU is switched on the way.
STEP = 1e-6


def scores_of(criterion: Criterion, model: nn.Module, given: Batches) -> list[Tensor]:
    groups = channel_groups(model, dependency_graph(model, given[0][0][:2]))
    return criterion.score(model, groups, given)


def losses(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        return nn.functional.cross_entropy(model(images), labels, reduction="none")


def slopes(model: nn.Module, consumers: Reads, images: Tensor, labels: Tensor) -> Tensor:
    """Every sample's change of the loss by each channel's factor (N, width), from finite differences."""
    columns = []
    for channel in range(len(next(iter(consumers.values())))):
        with scaled(model, consumers, channel, 1 + STEP):
            above = losses(model, images, labels)
        with scaled(model, consumers, channel, 1 - STEP):
            below = losses(model, images, labels)
        columns.append((above - below) / (2 * STEP))
    return torch.stack(columns, dim=1)


def read_by_the_classifier(tied: Tied) -> bool:
    return set(tied.consumers) <= {"fc", "fc2"}


def cases() -> list[tuple[type[nn.Module], int]]:
    return [(network, place) for network, tied in GROUPS.items() for place in range(len(tied))]


@pytest.mark.parametrize(("network", "place"), cases())
def test_taylor_is_the_mean_over_batches_of_the_squared_mean_slope(network: type[nn.Module], place: int) -> None:
    model, tied = built(network), GROUPS[network][place]
    expected = [slopes(model, tied.consumers, *batch).mean(dim=0).square() for batch in batches()]
    found = scores_of(Taylor(), model, batches())[place]
    assert torch.allclose(found, torch.stack(expected).mean(dim=0), rtol=1e-5, atol=1e-12)
    assert found.max() > 1e-8


@pytest.mark.parametrize(("network", "place"), cases())
def test_hessian_is_the_mean_over_all_samples_of_the_squared_slope(network: type[nn.Module], place: int) -> None:
    model, tied = built(network), GROUPS[network][place]
    expected = torch.cat([slopes(model, tied.consumers, *batch).square() for batch in batches()])
    assert len(expected) == 10
    found = scores_of(Hessian(), model, batches())[place]
    assert torch.allclose(found, expected.mean(dim=0), rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("network", [network for network, tied in GROUPS.items() if read_by_the_classifier(tied[-1])])
def test_taylor_is_exact_for_a_loss_that_is_linear_in_the_last_channels(network: type[nn.Module]) -> None:
    model, tied = built(network), GROUPS[network][-1]
    # With targets that add up to 0 the cross-entropy is linear in the logits, and these in what the classifier reads.
    linear = [
        (images, torch.tensor([[1.0, -0.75, -0.25]], dtype=torch.float64).expand(len(images), 3))
        for images, _ in batches()
    ]
    expected = []
    for channel in range(len(next(iter(tied.consumers.values())))):
        changes = []
        for images, targets in linear:
            open_gate = losses(model, images, targets)
            with scaled(model, tied.consumers, channel, 0.0):
                changes.append((losses(model, images, targets) - open_gate).mean().square())
        expected.append(torch.stack(changes).mean())
    found = scores_of(Taylor(), model, linear)[-1]
    assert torch.allclose(found, torch.stack(expected), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(("network", "place"), cases())
def test_a_closed_gate_is_what_cutting_the_channel_does(network: type[nn.Module], place: int) -> None:
    consumers = GROUPS[network][place].consumers
    images, labels = batches()[0]
    channels = range(len(next(iter(consumers.values()))))
    assert channels
    for channel in channels:
        model = built(network)
        with scaled(model, consumers, channel, 0.0), torch.no_grad():
            closed = model(images)
        smaller = cut(model, place, channel, [(images, labels)])
        with torch.no_grad():
            assert torch.allclose(smaller(images), closed, rtol=1e-9)


def cut(model: nn.Module, place: int, channel: int, pictures: Batches) -> nn.Module:
    """The network without one channel of one group."""

    class Lowest:
        def score(self, _: nn.Module, groups: Sequence[ChannelGroup], __: Batches) -> list[Tensor]:
            found = [torch.ones(group.width) for group in groups]
            found[place][channel] = 0
            return found

    groups = channel_groups(model, dependency_graph(model, pictures[0][0]))
    one_less = Given([group.width - (number == place) for number, group in enumerate(groups)])
    return TorchPruning(Lowest()).prune(model, Request(one_less, pictures))


def test_layers_called_twice_have_one_gate() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.shared, self.fc = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = self.fc(self.shared(self.shared(self.conv(x)).relu()).mean(dim=(2, 3)))
            return answer

    model = built(Twice)
    group = ChannelGroup(("conv",), 4, (), (Place("shared", tuple((c,) for c in range(4))),))
    expected = slopes(model, {"shared": [[c] for c in range(4)]}, *batches()[0]).square().mean(dim=0)
    assert torch.allclose(Hessian().score(model, [group], batches()[:1])[0], expected, rtol=1e-5)


def test_a_linear_layer_reads_its_channels_last() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.mix, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 5), nn.Linear(5, 3)

        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = self.fc(self.mix(self.conv(x).permute(0, 2, 3, 1)).relu().mean(dim=(1, 2)))
            return answer

    model = built(Tokens)
    found = scores_of(Hessian(), model, batches()[:1])
    assert [len(score) for score in found] == [4, 5]
    images, labels = batches()[0]
    shapes = [model.mix.weight[:, channel].detach().clone() for channel in range(4)]
    for channel, column in enumerate(shapes):
        sides = []
        for factor in (1 + STEP, 1 - STEP):
            with torch.no_grad():
                model.mix.weight[:, channel] = column * factor
            sides.append(losses(model, images, labels))
        with torch.no_grad():
            model.mix.weight[:, channel] = column
        slope = (sides[0] - sides[1]) / (2 * STEP)
        assert torch.allclose(found[0][channel], slope.square().mean(), rtol=1e-5)


def test_a_layer_that_mixes_images_with_places_is_named() -> None:
    class Windows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            tokens = self.conv(x).permute(0, 2, 3, 1).reshape(-1, 4)
            answer: Tensor = self.fc(tokens).view(len(x), -1, 3).mean(dim=1)
            return answer

    group = ChannelGroup(("conv",), 4, (), (Place("fc", tuple((c,) for c in range(4))),))
    with pytest.raises(BadInputError, match=r"layer fc reads 216 rows for 6 images"):
        Taylor().score(built(Windows), [group], batches())
