"""How wide each group stays: by a ratio, on measured plateaus, within a measured latency."""

import copy
from pathlib import Path

import pytest
import torch
from pruned import Given
from torch import nn

from backbones.resnet import resnet8
from porting.pruners.channel_groups import ChannelGroup, channel_groups
from porting.pruners.criteria.weights import Norm
from porting.pruners.dependency_graph import dependency_graph
from porting.pruners.engines.torch_pruning import TorchPruning
from porting.pruners.interface import Request
from porting.pruners.latency_budget import offered
from porting.pruners.measured_costs import MeasuredCosts
from porting.pruners.policies import Uniform, UniformOnPlateaus, WithinLatency, kept_width
from profiler.common.errors import BadInputError, DnnPortingError
from profiler.common.target import Target


@pytest.mark.parametrize(("width", "ratio", "round_to", "kept"), [
    (64, 0.5, 8, 32), (64, 0.3, 8, 48), (16, 0.75, 4, 4), (16, 0.9, 8, 8), (10, 0.1, 8, 10), (64, 0.3, 1, 45),
])  # fmt: skip
def test_kept_widths_are_rounded_up_to_a_multiple(width: int, ratio: float, round_to: int, kept: int) -> None:
    assert kept_width(width, ratio, round_to) == kept


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return resnet8(3, 10).eval()


EXAMPLE = torch.zeros(2, 3, 32, 32)


def groups_of(model: nn.Module) -> list[ChannelGroup]:
    return channel_groups(model, dependency_graph(model, EXAMPLE))


def scores(model: nn.Module) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(group.width, generator=generator) for group in groups_of(model)]


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> MeasuredCosts:
    return costs_in(tmp_path_factory.mktemp("operators"))


def costs_in(folder: Path, batch: int = 2) -> MeasuredCosts:
    return MeasuredCosts(folder, Target(runtime="onnxruntime"), batch, "fp32", 600)


def test_a_ratio_takes_the_same_share_of_every_group(network: nn.Module) -> None:
    groups = groups_of(network)
    found = Uniform(0.5, 4).widths(network, groups, scores(network), EXAMPLE)
    assert found == [group.width // 2 for group in groups]


def test_on_plateaus_no_wider_group_is_as_quick_and_none_is_narrower_than_asked(
    network: nn.Module, costs: MeasuredCosts
) -> None:
    groups = groups_of(network)
    found = UniformOnPlateaus(0.5, costs).widths(network, groups, scores(network), EXAMPLE)
    cost = costs.of(network, groups, EXAMPLE)
    full = [group.width for group in groups]
    assert groups
    for place, (group, width) in enumerate(zip(groups, found, strict=True)):
        assert group.width / 2 <= width <= group.width
        alone = cost.us([*full[:place], width, *full[place + 1 :]])
        for wider in range(width + 4, group.width + 1, 4):
            assert cost.us([*full[:place], wider, *full[place + 1 :]]) > alone


@pytest.mark.parametrize("part", [0.6, 0.2, 0.0])
def test_within_a_latency_the_operators_take_at_most_that_share(
    part: float, network: nn.Module, costs: MeasuredCosts
) -> None:
    groups = groups_of(network)
    full, known = [group.width for group in groups], costs.of(network, groups, EXAMPLE)
    # How far one gets depends on the processor.
    least = known.us([min(widths) for widths in offered(known, full, known.step)]) / known.us(full)
    share = least + part * (1 - least)
    found = WithinLatency(share, costs).widths(network, groups, scores(network), EXAMPLE)
    assert known.us(found) <= share * known.us(full) * (1 + 1e-9)


def test_a_latency_that_cannot_be_had_is_refused(network: nn.Module, costs: MeasuredCosts) -> None:
    with pytest.raises(BadInputError, match="cannot be reached by pruning"):
        WithinLatency(0.001, costs).widths(network, groups_of(network), scores(network), EXAMPLE)


def test_the_table_is_measured_once_and_one_for_each_batch(network: nn.Module, tmp_path: Path) -> None:
    groups = groups_of(network)
    first = costs_in(tmp_path).of(network, groups, EXAMPLE)
    again = costs_in(tmp_path).of(network, groups, EXAMPLE)
    full = [group.width for group in groups]
    assert again.us(full) == first.us(full)
    assert costs_in(tmp_path, batch=1).path() != costs_in(tmp_path).path()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_budget_for_nothing_is_refused_and_not_waited_for(network: nn.Module, tmp_path: Path) -> None:
    hasty = MeasuredCosts(tmp_path, Target(runtime="onnxruntime"), 2, "fp32", 1e-3)
    with pytest.raises(DnnPortingError, match=r"were not made within 0\.001 s: run again to continue"):
        hasty.of(network, groups_of(network), EXAMPLE)


@pytest.mark.alone
def test_a_cut_network_is_offered_the_whole_one_s_widths_and_needs_no_new_measuring(
    network: nn.Module, tmp_path: Path
) -> None:
    costs, groups = costs_in(tmp_path), groups_of(network)
    coarse = MeasuredCosts(tmp_path, costs.target, 2, "fp32", 1.0)
    full = [group.width for group in groups]
    step = coarse.of(network, groups, EXAMPLE).step
    assert step > costs.step(network, groups, EXAMPLE)
    narrower = Given([min(width, step) for width in full])
    request = Request(narrower, [(EXAMPLE, torch.zeros(2, dtype=torch.long))])
    cut = TorchPruning(Norm(1)).prune(copy.deepcopy(network), request)
    assert not coarse.lack(cut, groups_of(cut), EXAMPLE, full)
    assert coarse.of(cut, groups_of(cut), EXAMPLE, full).step == step


def test_a_table_that_would_take_too_long_is_coarser(network: nn.Module, tmp_path: Path) -> None:
    fine = costs_in(tmp_path)
    coarse = MeasuredCosts(tmp_path, fine.target, 2, "fp32", 0.5)
    assert coarse.step(network, groups_of(network), EXAMPLE) > fine.step(network, groups_of(network), EXAMPLE)
