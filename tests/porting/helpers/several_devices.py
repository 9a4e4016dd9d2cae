"""A training on several devices, in a process of its own: autograd and fork do not go together in a used one.

python several_devices.py FOLDER prints what came of it as JSON.
"""

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

from unfinished import unfinished

from backbones.resnet import resnet8
from porting.configuration.components import NamedComponent
from porting.configuration.settings import FitSettings, Settings
from porting.jobs.context import Context
from porting.training.streams import seeded
from porting.training.training_loop import fit
from porting.workspace.data import Data
from porting.workspace.records import Epoch
from porting.workspace.workspace import Workspace

# Two processes on the processor in place of two GPUs.
FORKED = {"accelerator": "cpu", "devices": 2, "strategy": "ddp_fork"}


def trained(folder: Path) -> dict[str, object]:
    """The epochs that the training returns and tells of, and the accuracy of the network that it returns."""
    told: list[Epoch] = []
    context = Context(
        unfinished(Settings, task="digits"), Workspace(folder), "", None, lambda _, one: told.append(one), ExitStack()
    )
    digits = Data(NamedComponent.model_validate({"_target_": "datamodules.digits.Digits", "name": "digits"}))
    settings = FitSettings(
        epochs=3, learning_rate=0.1, weight_decay=0.0, patience=2, label_smoothing=0.0, ema_decay=0.0, precision="fp32"
    )
    seeded(0)
    with context.workspace.making("digits", "test"):
        model, history = fit(context, resnet8(1, 10, width=0.5), "test", digits, settings, None)
    right = [float((model(images).argmax(1) == labels).float().sum()) for images, labels in digits.batches("val")]
    best = min(history, key=lambda epoch: epoch.val_loss)
    return {
        "epochs": [epoch.epoch for epoch in history],
        "told": told == history,
        "accuracy": sum(right) / 359,
        "best": best.val_accuracy,
    }


if __name__ == "__main__":
    with mock.patch("porting.training.training_loop.devices", return_value=FORKED):
        print(json.dumps(trained(Path(sys.argv[1]))))
