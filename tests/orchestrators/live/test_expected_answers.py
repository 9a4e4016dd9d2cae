"""What a task's variants answer, and who gave an answer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_live import LARGE, MIDDLE, SMALL, TARGET, TASK, VARIANTS, live_items, live_repository
from made_tasks import TASKS
from made_tasks import repository as made_tasks
from support import SIZE, write_network

from orchestrators.live.expected_answers import ExpectedAnswers, mirrored
from porting.repository import Repository
from porting.repository.publishing.offers import Offer
from porting.repository.publishing.writer import publish
from porting.repository.schema import TensorSpec
from profiler.common.errors import BadInputError, ServerError
from profiler.runtimes.session import open_session, run

PICTURES = np.random.default_rng(0).standard_normal((3, 1, SIZE, SIZE), dtype=np.float32)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return live_repository(tmp_path_factory.mktemp("known"))


@pytest.fixture(scope="module")
def known(repository: Repository) -> ExpectedAnswers:
    return ExpectedAnswers.of(repository, TASK, TARGET, PICTURES)


def answer(folder: Path, variant: str, picture: int) -> np.ndarray:
    """What the variant's network answers to a picture."""
    path = write_network(folder / "answering.onnx", bias=VARIANTS[variant][2])
    return run(open_session(path, threads=1), {"input": PICTURES[picture : picture + 1]})


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("picture", range(len(PICTURES)))
def test_an_answer_tells_which_variant_gave_it(
    known: ExpectedAnswers, tmp_path: Path, variant: str, picture: int
) -> None:
    assert known.variants[known.variant_of(picture, answer(tmp_path, variant, picture))] == variant


def test_an_answer_that_differs_a_little_is_the_nearest_variants(known: ExpectedAnswers, tmp_path: Path) -> None:
    given = answer(tmp_path, MIDDLE, 0)
    assert known.variants[known.variant_of(0, given + 0.04 * known.spans.min())] == MIDDLE


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda given: given + 9, "no variant gives this answer: it differs"),
        (lambda given: given * np.nan, "no variant gives this answer"),
        (lambda given: given[:, :2], r"shape \(1, 2\) instead of \(1, 3\)"),
        (lambda given: given[:0], r"shape \(0, 3\)"),
    ],
)
def test_an_answer_that_is_nobodys_is_wrong(
    known: ExpectedAnswers, tmp_path: Path, change: Callable[[np.ndarray], np.ndarray], why: str
) -> None:
    with pytest.raises(ServerError, match=why):
        known.variant_of(0, change(answer(tmp_path, LARGE, 0)))


def test_the_right_answer_to_another_picture_is_wrong(repository: Repository, tmp_path: Path) -> None:
    other = PICTURES * np.array([1, 20, 1], np.float32).reshape(3, 1, 1, 1)
    known = ExpectedAnswers.of(repository, TASK, TARGET, other)
    with pytest.raises(ServerError, match="no variant gives this answer"):
        known.variant_of(1, answer(tmp_path, LARGE, 0))


def test_without_pictures_the_published_example_and_its_mirror_images_are_sent(repository: Repository) -> None:
    known = ExpectedAnswers.of(repository, TASK, TARGET)
    assert known.pictures.shape == (4, 1, SIZE, SIZE)
    assert np.array_equal(known.pictures[0], np.ones((1, SIZE, SIZE)))


def test_a_picture_is_mirrored_along_both_sides() -> None:
    found = mirrored(np.arange(4, dtype=np.float32).reshape(1, 2, 2))
    assert [one.ravel().tolist() for one in found] == [[0, 1, 2, 3], [2, 3, 0, 1], [1, 0, 3, 2], [3, 2, 1, 0]]


def test_variants_that_answer_alike_are_refused(tmp_path: Path) -> None:
    alike = live_repository(tmp_path, {LARGE: (0.9, 60.0, 1.0), SMALL: (0.8, 900.0, 1.0)})
    with pytest.raises(BadInputError, match=f"{SMALL} and {LARGE} give the same answers"):
        ExpectedAnswers.of(alike, TASK, TARGET, PICTURES)


def test_variants_that_take_different_inputs_are_refused(tmp_path: Path) -> None:
    first, second, *_ = live_items(tmp_path, VARIANTS)
    odd = second.details.model_copy(update={"input": TensorSpec(name="pixels", shape=[1, SIZE, SIZE])})
    offered = [first, Offer(odd, None, [], second.onnx, second.example)]
    with pytest.raises(BadInputError, match=f"{MIDDLE} has other inputs or outputs than {LARGE}"):
        ExpectedAnswers.of(publish(tmp_path / "repository", offered), TASK, TARGET, PICTURES)


def test_a_repository_without_examples_asks_for_pictures(tmp_path: Path) -> None:
    assert "bees" in TASKS
    with pytest.raises(BadInputError, match="no example of bees is published"):
        ExpectedAnswers.of(made_tasks(tmp_path), "bees", TARGET)
