"""A backbone and a data module from a folder of the user's, editing nothing of ours."""

from pathlib import Path

import pytest
from support import Command, variant_records

BACKBONE = """
from torch import nn


class Tiny(nn.Module):
    def __init__(self, in_channels, num_classes, width):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, width, 3)
        self.norm = nn.BatchNorm2d(width)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(width, num_classes)

    def forward(self, x):
        return self.fc(self.pool(self.norm(self.conv(x)).relu()).flatten(1))
"""
DATA = '''
import torch

from datamodules.images import ImageDataModule
from datamodules.pictures import TensorImages
from datamodules.pictures import stratified
from datamodules.preprocessing import Preprocessing


class Stripes(ImageDataModule):
    """Pictures that are brighter above, or below."""

    def __init__(self, n: int):
        super().__init__(Preprocessing(size=8, colour="L", mean=(0.5,), sd=(0.3,)), 16, None)
        self.classes, self._n = ["above", "below"], n

    def load(self):
        generator = torch.Generator().manual_seed(0)
        images = torch.randint(0, 120, (self._n, 1, 8, 8), dtype=torch.uint8, generator=generator)
        labels = torch.arange(self._n) % 2
        images[labels == 0, :, :4] += 120
        images[labels == 1, :, 4:] += 120
        every = TensorImages(images, labels)
        train, val, test = (every.subset(part) for part in stratified(labels, (0.2, 0.2)))
        return {"train": train, "val": val, "test": test}
'''


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    for group in ("backbone", "datamodule"):
        (folder / group).mkdir(parents=True)
    (folder / "my_network.py").write_text(BACKBONE)
    (folder / "my_data.py").write_text(DATA)
    (folder / "backbone" / "tiny.yaml").write_text("name: tiny\n_target_: my_network.Tiny\nwidth: 8\n")
    (folder / "datamodule" / "stripes.yaml").write_text("name: stripes\n_target_: my_data.Stripes\nn: 200\n")
    return folder


@pytest.mark.integration
def test_they_go_through_the_whole_pipeline(dnn_porting: Command, plugin: Path, tmp_path: Path) -> None:
    arguments = [
        f"workspace={tmp_path / 'w'}", "--config-dir", str(plugin), "backbone=tiny", "datamodule=stripes",
        "train.epochs=2", "finetune.epochs=1", "pruner=l1", "prune.ratios=[0.5]", "tracking.enabled=false",
        "quantize.calibrations=[minmax]", "quantize.max_loss=1",
        "targets.local_cpu.runtime=onnxruntime", "profile.latency.batches=[1]", "profile.throughput.batches=[4]",
        "profile.latency.seconds=0.02", "profile.throughput.search_seconds=0.05",
        "profile.throughput.settle_seconds=0.2",
    ]  # fmt: skip
    run = dnn_porting(*arguments)
    assert run.code == 0, run.err
    records = variant_records(tmp_path / "w")
    assert all(name.startswith("stripes-tiny-") for name in records)
    assert all(record["labels"] == ["above", "below"] for record in records.values())
    assert (tmp_path / "w" / "repository" / "repository.json").exists()

    again = dnn_porting(*arguments)
    assert "train     0 made, 1 reused" in again.out
    source = plugin / "my_network.py"
    source.write_text(source.read_text().replace(".relu()", ".relu().relu()"))
    changed = dnn_porting(*arguments, "stage=train")
    assert "train     1 made, 0 reused" in changed.out


def test_a_plugin_s_mistake_is_one_line(dnn_porting: Command, plugin: Path, tmp_path: Path) -> None:
    (plugin / "backbone" / "tiny.yaml").write_text("name: tiny\n_target_: my_netwrok.Tiny\nwidth: 8\n")
    run = dnn_porting(
        "--config-dir", str(plugin), "backbone=tiny", "stage=train", "tracking.enabled=false",
        f"workspace={tmp_path / 'w'}",
    )  # fmt: skip
    assert run.code == 2
    assert "my_netwrok.Tiny' cannot be imported" in run.err
    assert len(run.err.strip().splitlines()) == 1
