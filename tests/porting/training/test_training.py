"""Fitting: the best epoch is kept, the seed decides, a teacher teaches, batch statistics are re-estimated."""

import copy
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from modules import tensor
from narrowing import known
from torch import nn
from unfinished import unfinished

from backbones.by_name import torchvision_network
from backbones.densenet import densenet_bc
from backbones.efficientnet import efficientnet_b0, efficientnet_lite0
from backbones.mobilenet import mobilenet_v1, mobilenet_v2
from backbones.resnet import resnet8, resnet50
from porting.configuration.components import NamedComponent
from porting.configuration.settings import FinetuneSettings, FitSettings, Settings
from porting.jobs.context import Context
from porting.training.batch_norm import reestimate_statistics
from porting.training.callbacks import kept_share
from porting.training.checkpoints import stored_checkpoints
from porting.training.classifier import Classifier
from porting.training.precision import chosen_precision, memory_format
from porting.training.streams import seeded
from porting.training.teacher import AttentionMaps, Teacher, comparable_layers, distance
from porting.training.training_loop import devices, fit, recovered
from porting.workspace.data import Data
from porting.workspace.records import Epoch
from porting.workspace.workspace import Workspace
from profiler.common.errors import BadInputError, DnnPortingError, ModelError


def fit_settings(**changed: Any) -> FitSettings:
    usual = {"epochs": 2, "learning_rate": 0.1, "weight_decay": 0.0, "patience": 2, "label_smoothing": 0.0}
    return FitSettings.model_validate(usual | {"ema_decay": 0.0, "precision": "fp32"} | changed)


FIT = fit_settings()
ALONE = {"distill": False, "distill_weight": 0.0, "temperature": 1.0, "attention_weight": 0.0}
# Trains without moving.
STILL = FinetuneSettings.model_validate(
    fit_settings(epochs=1, learning_rate=1e-9).model_dump() | ALONE | {"only_best": False, "unpruned_too": False}
)


def data(module: str) -> Data:
    return Data(NamedComponent.model_validate({"_target_": module, "name": "digits"}))


@pytest.fixture(scope="module")
def digits() -> Data:
    return data("few_digits.FewDigits")


@pytest.fixture
def epochs() -> list[Epoch]:
    return []


@pytest.fixture
def context(tmp_path: Path, epochs: list[Epoch]) -> Context:
    return Context(
        unfinished(Settings, task="digits"),
        Workspace(tmp_path),
        "",
        None,
        lambda _, epoch: epochs.append(epoch),
        ExitStack(),
    )


def train(
    context: Context, data: Data, settings: FitSettings = FIT, teacher: Teacher | None = None
) -> tuple[nn.Module, list[Epoch]]:
    seeded(0)
    with context.workspace.making("digits", "test"):
        return fit(context, resnet8(1, 10, width=0.5), "test", data, settings, teacher)


def test_the_same_seed_gives_the_same_weights(context: Context, digits: Data) -> None:
    a, b = train(context, digits)[0], train(context, digits)[0]
    assert a.state_dict()
    for name, weights in a.state_dict().items():
        assert torch.equal(weights, b.state_dict()[name]), name


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_an_interrupted_training_goes_on_as_if_nothing_had_been(
    context: Context, digits: Data, ema_decay: float
) -> None:
    settings = fit_settings(epochs=4, patience=4, ema_decay=ema_decay)
    whole, history = train(context, digits, settings)

    def interrupt(_: str, epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(replace(context, on_epoch=interrupt), digits, settings)
    told: list[Epoch] = []
    resumed, again = train(replace(context, on_epoch=lambda _, epoch: told.append(epoch)), digits, settings)
    assert again == history == told
    for name, weights in whole.state_dict().items():
        assert torch.equal(weights, resumed.state_dict()[name]), name


@pytest.fixture
def misjudged() -> Data:
    """Its validation labels are wrong: what trains well is worse with each epoch."""
    few = data("few_digits.FewDigits")
    few.module.split("val").labels.add_(1).remainder_(10)
    return few


def test_every_epoch_is_on_record_also_after_the_best_one(context: Context, misjudged: Data) -> None:
    _, history = train(context, misjudged, fit_settings(epochs=3, patience=3))
    assert [epoch.epoch for epoch in history] == [0, 1, 2]
    assert min(history, key=lambda epoch: epoch.val_loss).epoch == 0


def test_an_interruption_loses_no_whole_epoch_though_it_was_not_the_best(context: Context, misjudged: Data) -> None:
    def interrupt(_: str, epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(replace(context, on_epoch=interrupt), misjudged, fit_settings(epochs=4, patience=4))
    with context.workspace.training("digits", "test") as folder:
        assert [one.epoch for one in stored_checkpoints(folder)] == [1, 0]


def test_an_epoch_is_judged_by_the_smoothed_labels_that_are_trained_for() -> None:
    classifier = Classifier(nn.Flatten(), 2, fit_settings(label_smoothing=0.2), None)
    sure, surest = (torch.tensor([[logit, 0.0]]) for logit in (3.0, 9.0))
    assert classifier.labels_loss(surest, torch.tensor([0])) > classifier.labels_loss(sure, torch.tensor([0]))


def test_every_gpu_trains_and_without_one_the_processor() -> None:
    assert devices(0) == {"accelerator": "cpu", "devices": 1}
    assert devices(1) == {"accelerator": "gpu", "devices": 1}
    assert devices(4)["devices"] == 4


def test_a_finished_training_leaves_nothing_to_go_on_with(context: Context, digits: Data, tmp_path: Path) -> None:
    train(context, digits)
    with pytest.raises(DnnPortingError):
        train(context, digits, fit_settings(learning_rate=1e12))
    assert not list(tmp_path.glob("tasks/*/trainings/*"))


def test_what_is_kept_is_the_moving_average_of_the_weights(context: Context, digits: Data) -> None:
    settings = fit_settings(epochs=1, ema_decay=0.999)
    averaged, plain = train(context, digits, settings)[0], train(context, digits, fit_settings(epochs=1))[0]
    pairs = zip(averaged.state_dict().values(), plain.state_dict().values(), strict=True)
    assert max(float((a - b).abs().max()) for a, b in pairs) > 0.01


class WithSideOutput(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x.flatten(1), x


def test_a_network_that_answers_more_than_its_logits_is_refused_with_the_reason() -> None:
    with pytest.raises(ModelError, match=r"WithSideOutput answers with a tuple in training: .* the logits"):
        Classifier(WithSideOutput(), 10, FIT, None)(torch.zeros(2, 1, 4, 4))


def test_smoothing_spreads_a_part_of_each_label_over_all_classes() -> None:
    classifier = Classifier(nn.Flatten(), 2, fit_settings(label_smoothing=0.2), None)
    logits = torch.tensor([[3.0, 0.0]])
    log = torch.log_softmax(logits, 1)
    assert float(classifier.training_step((logits.view(1, 2, 1, 1), torch.tensor([0])), 0)) == pytest.approx(
        -float(0.9 * log[0, 0] + 0.1 * log[0, 1])
    )


def test_torch_is_as_deterministic_after_training_as_before(context: Context, digits: Data) -> None:
    before = torch.are_deterministic_algorithms_enabled()
    train(context, digits)
    assert torch.are_deterministic_algorithms_enabled() == before


def test_every_epoch_is_told_and_kept(context: Context, digits: Data, epochs: list[Epoch]) -> None:
    _, history = train(context, digits)
    assert [epoch.epoch for epoch in history] == [0, 1]
    assert epochs == history
    assert history[1].val_loss < history[0].val_loss


def test_the_weights_are_those_of_the_best_epoch(context: Context, digits: Data) -> None:
    settings = fit_settings(epochs=4, learning_rate=0.5, patience=4)
    model, history = train(context, digits, settings)
    losses, count = 0.0, 0
    with torch.no_grad():
        for images, labels in digits.batches("val"):
            losses += float(nn.functional.cross_entropy(model(images), labels, reduction="sum"))
            count += len(labels)
    assert losses / count == pytest.approx(min(epoch.val_loss for epoch in history), rel=1e-3)


def test_training_stops_early_when_nothing_gets_better(context: Context, digits: Data) -> None:
    settings = fit_settings(epochs=12, learning_rate=1e-9, patience=1)
    _, history = train(context, digits, settings)
    assert len(history) < 12


def test_a_loss_that_is_not_finite_is_said_with_the_fix(context: Context, digits: Data) -> None:
    settings = fit_settings(epochs=2, learning_rate=1e12, patience=2)
    with pytest.raises(DnnPortingError, match=r"loss became (nan|inf) in epoch \d: lower the learning rate"):
        train(context, digits, settings)


@pytest.mark.parametrize(("seen", "share"), [(1, 2 / 11), (10, 11 / 20), (10**6, 0.999)])
def test_the_moving_average_forgets_its_first_steps_sooner(seen: int, share: float) -> None:
    assert kept_share(0.999, seen) == pytest.approx(share)


class Layers(nn.Module):
    def __init__(self, in_channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(in_channels, 32, kernel, stride)


@pytest.mark.parametrize(("layer", "channels_last"), [
    ((15, 1, 2), False), ((16, 1, 2), True), ((4, 1, 1), True), ((4, 3, 2), True),
])  # fmt: skip
def test_pictures_lie_channels_last_unless_onednn_errs_there(layer: tuple[int, int, int], channels_last: bool) -> None:
    assert (memory_format(Layers(*layer)) == torch.channels_last) == channels_last


@pytest.mark.parametrize(("processor", "precision"), [
    ({"amx_bf16": True}, "bf16"), ({"avx512_bf16": True}, "fp32"), ({"avx2": True}, "fp32"),
])  # fmt: skip
def test_a_processor_trains_in_bfloat16_only_where_it_is_quickest_in_it(
    processor: dict[str, bool], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: processor)
    assert chosen_precision("auto") == precision
    assert chosen_precision("fp32") == "fp32"


def test_fp16_without_cuda_is_refused_as_it_would_be_another_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        BadInputError, match=r"precision=fp16 .* needs CUDA, and there is none here: take auto, fp32 or bf16"
    ):
        chosen_precision("fp16")


def test_a_refused_precision_leaves_an_interrupted_training_to_go_on_with(
    context: Context, digits: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    folder = context.workspace.root / "tasks" / "digits" / "trainings" / "test"
    folder.mkdir(parents=True)
    (folder / "kept").touch()
    with pytest.raises(BadInputError):
        train(context, digits, fit_settings(precision="fp16"))
    assert (folder / "kept").exists()


def test_bfloat16_trains(context: Context, digits: Data) -> None:
    _, history = train(context, digits, fit_settings(precision="bf16"))
    assert history[1].val_loss < history[0].val_loss


class Fixed(nn.Module):
    logits: torch.Tensor

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.register_buffer("logits", torch.tensor([logits]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(images), -1)


def test_a_perfect_pupil_has_no_distillation_loss() -> None:
    model = resnet8(1, 10, width=0.5).eval()
    images = torch.randn(4, 1, 32, 32)
    teacher = Teacher(model, weight=1.0, temperature=4.0, attention_weight=1.0)
    pupil = copy.deepcopy(model)
    with torch.no_grad(), teacher.teaching(pupil, images):
        assert float(teacher.loss(torch.tensor(3.0), pupil(images), images)) == pytest.approx(0.0, abs=1e-5)
        other = pupil(images + 1)
        assert float(teacher.loss(torch.tensor(0.0), other, images)) > 0


def test_distillation_gives_the_temperature_s_square_times_the_divergence() -> None:
    teacher = Teacher(Fixed(2.0, 0.0), weight=0.75, temperature=2.0)
    found = teacher.loss(torch.tensor(8.0), torch.tensor([[0.0, 0.0]]), torch.zeros(1, 1, 1, 1))
    p = torch.softmax(torch.tensor([1.0, 0.0]), 0)
    divergence = float((p * (p.log() - torch.tensor([0.5, 0.5]).log())).sum())
    assert float(found) == pytest.approx(0.25 * 8.0 + 0.75 * 4 * divergence, rel=1e-5)


def test_attention_is_compared_where_the_pictures_have_the_same_size() -> None:
    wide, narrow = resnet8(1, 10), resnet8(1, 10, width=0.5)
    images = torch.randn(2, 1, 32, 32)
    assert comparable_layers(narrow, wide, images) == ["layer1", "layer2", "layer4"]
    assert comparable_layers(narrow, resnet8(1, 10, stem="imagenet"), images) == []


@pytest.mark.parametrize("build", [
    lambda: resnet8(1, 10, width=0.5), lambda: resnet50(1, 10, width=0.125, stem="cifar"),
    lambda: densenet_bc(1, 10, depth=10, growth=4), lambda: mobilenet_v1(1, 10, width=0.125, stem="cifar"),
    lambda: mobilenet_v2(1, 10, width=0.25, stem="cifar"), lambda: efficientnet_b0(1, 10, stem="cifar"),
    lambda: efficientnet_lite0(1, 10, stem="cifar"), lambda: torchvision_network(1, 10, "squeezenet1_1"),
], ids=["resnet8", "resnet50", "densenet", "mobilenet_v1", "mobilenet_v2", "b0", "lite0", "by name"])  # fmt: skip
def test_every_family_learns_where_its_teacher_looks(build: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    pupil, teacher = build(), Teacher(build(), weight=0.0, temperature=4.0, attention_weight=1.0)
    images = torch.randn(2, 1, 32, 32)
    with teacher.teaching(pupil, images):
        loss = teacher.loss(torch.tensor(0.0), pupil.train()(images), images)
        torch.autograd.backward(loss)
    first = next(pupil.parameters()).grad
    assert float(loss.detach()) > 0
    assert first is not None
    assert float(first.abs().sum()) > 0


def test_attention_of_networks_without_pictures_is_refused_with_the_fix() -> None:
    pupil, whole = (nn.Sequential(nn.Flatten(), nn.Linear(16, 10)) for _ in range(2))
    teacher = Teacher(whole, weight=0.5, temperature=4.0, attention_weight=10.0)
    with pytest.raises(BadInputError, match=r"none above 1×1 of the same size: take finetune.attention_weight=0"):
        with teacher.teaching(pupil, torch.zeros(2, 1, 4, 4)):
            pass


def test_attention_maps_add_up_the_squares_of_the_channels() -> None:
    model = nn.Sequential(nn.Identity())
    maps = AttentionMaps(model, ["0"])
    model(torch.tensor([[[[1.0, 0.0]], [[2.0, 1.0]]]]))
    (found,) = maps.pop()
    assert found[0].tolist() == pytest.approx([5 / 26**0.5, 1 / 26**0.5])
    assert float(distance([found], [torch.zeros(1, 2)])) == pytest.approx(1.0)
    maps.close()
    assert not model[0]._forward_hooks


def test_a_teacher_of_other_classes_is_refused() -> None:
    teacher = Teacher(resnet8(1, 7, width=0.5), weight=0.5, temperature=4.0)
    pupil = resnet8(1, 10, width=0.5)
    with pytest.raises(BadInputError, match="the teacher has 7 classes and the network 10"):
        with teacher.teaching(pupil, torch.zeros(2, 1, 32, 32)):
            pass


def test_a_pupil_of_attention_comes_out_without_a_trace(context: Context, digits: Data) -> None:
    seeded(0)
    teacher = Teacher(resnet8(1, 10), weight=0.5, temperature=4.0, attention_weight=10.0)
    model, history = train(context, digits, teacher=teacher)
    assert history[1].val_loss < history[0].val_loss
    assert not any(module._forward_hooks for module in model.modules())


def test_the_teacher_is_neither_trained_nor_saved() -> None:
    teacher = Teacher(resnet8(1, 10, width=0.5), weight=0.5, temperature=4.0)
    classifier = Classifier(resnet8(1, 10, width=0.5), 10, FIT, teacher)
    assert len(list(classifier.parameters())) == len(list(resnet8(1, 10, width=0.5).parameters()))


def test_the_teacher_comes_out_as_it_was() -> None:
    teacher = Teacher(resnet8(1, 10), weight=0.5, temperature=4.0)
    images = torch.zeros(2, 1, 32, 32)
    with teacher.teaching(resnet8(1, 10, width=0.5), images):
        assert not all(weight.is_contiguous() for weight in teacher.model.parameters())
        teacher.loss(torch.tensor(0.0), torch.zeros(2, 10), images)
    assert all(weight.is_contiguous() for weight in teacher.model.parameters())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_teacher_that_taught_on_a_gpu_comes_back_from_there() -> None:
    teacher = Teacher(resnet8(1, 10), weight=0.5, temperature=4.0)
    images = torch.zeros(2, 1, 32, 32)
    with teacher.teaching(resnet8(1, 10, width=0.5), images):
        teacher.loss(torch.zeros((), device="cuda"), torch.zeros(2, 10, device="cuda"), images.cuda())
    assert {weight.device.type for weight in teacher.model.parameters()} == {"cpu"}


def test_statistics_become_those_of_the_data() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(2)
    model = nn.Sequential(norm)
    batches = [(torch.randn(16, 2, 4, 4) * 3 + 5, torch.zeros(16)) for _ in range(8)]
    reestimate_statistics(model, batches)
    everything = torch.cat([images for images, _ in batches])
    assert torch.allclose(known(norm.running_mean), everything.mean(dim=(0, 2, 3)), atol=1e-4)
    assert torch.allclose(known(norm.running_var), everything.var(dim=(0, 2, 3)), rtol=0.05)
    assert norm.momentum == 0.1
    assert not model.training


class Pooled(nn.Sequential):
    """Batch normalisation of one value an image and channel, as at the end of a network."""

    def __init__(self) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(2))


@pytest.mark.parametrize("last", [1, 2, 8])
def test_every_image_counts_the_same_in_the_statistics_also_of_a_short_last_batch(last: int) -> None:
    torch.manual_seed(0)
    model = Pooled()
    batches = [(torch.randn(16, 2, 4, 4), torch.zeros(16)), (torch.randn(last, 2, 4, 4) + 9, torch.zeros(last))]
    reestimate_statistics(model, batches)
    everything = torch.cat([images for images, _ in batches])
    assert torch.allclose(tensor(model, "1.running_mean"), everything.mean(dim=(0, 2, 3)), atol=1e-5)


def test_recovery_begins_with_statistics_of_the_data_whatever_they_were(context: Context, digits: Data) -> None:
    model, _ = train(context, digits, fit_settings(epochs=4, patience=4))
    spoilt, within = copy.deepcopy(model), replace(context, data=digits)
    for module in spoilt.modules():
        if isinstance(module, nn.BatchNorm2d):
            # So far off that what an epoch averages in does not mend it.
            known(module.running_mean).fill_(1e6)
    whole, mended = (recovered(within, copy.deepcopy(one), "tuned", model, STILL)[1][0] for one in (model, spoilt))
    assert mended.val_accuracy == whole.val_accuracy > 0.3
