"""The predictions and the accuracy of an ONNX file itself, not of the network that it was exported from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from porting.onnx_files.by_class import by_class, flags
from porting.repository.schema import Accuracy, ByClass, Flags
from porting.workspace.data import Data
from porting.workspace.workspace import EXAMPLE, PREDICTIONS
from profiler.common.archives import packed
from profiler.common.files import write_atomically
from profiler.runtimes.session import open_session, run

SPLITS = ("val", "test")


@dataclass(frozen=True)
class Evaluation:
    """The accuracy and the answers of a file by split, and the flags that they give it."""

    accuracy: dict[str, Accuracy]
    by_class: dict[str, ByClass]
    flags: Flags


def evaluate(path: Path, data: Data) -> Evaluation:
    """The evaluation of the file on all validation and test images.

    The function also writes the predicted classes to `predictions.npz` in the folder of the file, with the first
    validation image as an example.
    """
    session = open_session(path, threads=0)
    name = session.get_inputs()[0].name
    predictions: dict[str, NDArray[Any]] = {EXAMPLE: next(data.batches(SPLITS[0]))[0][0].numpy()}
    found, classes = {}, {}
    for split in SPLITS:
        parts = [(run(session, {name: x.numpy()}), y.numpy()) for x, y in data.batches(split)]
        answers = np.concatenate([part for part, _ in parts])
        labels = np.concatenate([part for _, part in parts])
        predictions[split] = answers.argmax(axis=1).astype(np.int64)
        found[split] = accuracy(int((predictions[split] == labels).sum()), len(labels), data, split)
        classes[split] = by_class(split, answers, labels)
    write_atomically(path.parent / PREDICTIONS, packed(predictions))
    flagged = flags(found["val"], found["test"], classes["test"], data.labels)
    return Evaluation(found, classes, flagged)


def accuracy(right: int, n: int, data: Data, split: str) -> Accuracy:
    """The share of right answers with its 95 % Wilson interval."""
    interval = binomtest(right, n).proportion_ci(0.95, method="wilson")
    return Accuracy.model_validate(
        {
            "dataset": data.name,
            "dataset_sha256": data.digest,
            "split": split,
            "n": n,
            "value": right / n,
            "low": interval.low,
            "high": interval.high,
        }
    )
