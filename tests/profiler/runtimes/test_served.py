"""The expected answers of a file: those of the measured batches, computed when a batch is asked for."""

from pathlib import Path

import numpy as np
import pytest

from profiler.common.errors import ServerError
from profiler.runtimes import served
from profiler.runtimes.served import FEWEST_INPUTS, Expectation
from profiler.runtimes.session import open_session


def test_a_file_answers_only_the_inputs_of_the_measured_batches(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answered: list[int] = []

    def watched(path: Path, images: np.ndarray) -> tuple[np.ndarray, list[float]]:
        answered.append(len(images))
        return answers_of(path, images)

    answers_of = served.answers_of
    monkeypatch.setattr(served, "answers_of", watched)
    expectation = Expectation(network, 64)
    assert answered == [FEWEST_INPUTS]
    for batch in (1, 16, 8, 16):
        assert len(expectation.images(batch)) == batch
    assert answered == [FEWEST_INPUTS, 16 - FEWEST_INPUTS]


def test_the_answers_to_inputs_that_were_asked_for_later_are_checked_too(network: Path) -> None:
    expectation, session = Expectation(network, 64), open_session(network, 1)
    (answers,) = session.run(None, {"input": expectation.images(16)})
    expectation.check(answers, 16)
    with pytest.raises(ServerError, match="differ from the file's own"):
        expectation.check(answers[::-1].copy(), 16)


def test_the_time_of_an_inference_is_that_of_the_first_ones(network: Path) -> None:
    assert 0 < Expectation(network, 1).input_s < 10
