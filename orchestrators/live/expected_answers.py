"""The answers of a task's variants to a few pictures, by which a client identifies the variant or a wrong answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from porting.repository import Repository
from porting.repository.schema import Details
from porting.repository.serving_folder import write_model
from porting.repository.variant_files import VariantFiles
from profiler.common.errors import BadInputError, ServerError
from profiler.common.scratch import scratch
from profiler.runtimes.served import MAXIMUM_ERROR
from profiler.runtimes.session import open_session, run

# A smaller difference, as a share of the range of the answers, may be rounding.
LEAST_DIFFERENCE = 1e-3


@dataclass(frozen=True)
class ExpectedAnswers:
    """The answers (variants, pictures, …) of the task's `variants` to the `pictures` (pictures, C, H, W), float32.

    The answers come from ONNX Runtime in this process. Another version of ONNX Runtime on the server gives slightly
    different int8 answers: the nearest variant within the limit counts as the one that answered.
    """

    variants: tuple[str, ...]
    pictures: np.ndarray
    answers: np.ndarray
    input_name: str
    output_name: str

    @classmethod
    def of(cls, repository: Repository, task: str, target: str, pictures: np.ndarray | None = None) -> Self:
        """The answers of every published variant, by default to the published example and its mirror images.

        Raises `BadInputError` where the inputs of the variants differ, or their answers do not.
        """
        published = repository.measured(task, target)
        details = [repository.details(one.name) for one in published]
        check_alike(task, details)
        chosen = mirrored(example(repository, task, details)) if pictures is None else np.asarray(pictures, np.float32)
        answers = np.stack([
            answered(VariantFiles.of(repository, one.name), chosen) for one in published
        ])  # fmt: skip
        expected = cls(
            tuple(one.name for one in published), chosen, answers, details[0].input.name, details[0].output.name
        )
        expected.check_distinct()
        return expected

    @cached_property
    def spans(self) -> np.ndarray:
        """The range of each variant's answers, (variants,)."""
        spans: np.ndarray = np.ptp(self.answers.reshape(len(self.variants), -1), axis=1)
        return np.where(spans > 0, spans, 1.0)

    def variant_of(self, picture: int, answer: np.ndarray) -> int:
        """The index in `variants` of the variant that gave this answer (1, …) to a picture.

        Raises `ServerError` for an answer of no variant: of another shape, or farther than `MAXIMUM_ERROR` of the
        range from the nearest.
        """
        due = self.answers[:, picture]
        if answer.shape != (1, *due.shape[1:]):
            raise ServerError(f"the server answered shape {answer.shape} instead of {(1, *due.shape[1:])}")
        errors = np.abs(due - answer).reshape(len(due), -1).max(axis=1) / self.spans
        # An answer with NaN matches no variant.
        nearest = int(np.argmin(np.where(np.isnan(errors), np.inf, errors)))
        if not errors[nearest] <= MAXIMUM_ERROR:
            raise ServerError(
                f"no variant gives this answer: it differs from that of {self.variants[nearest]}, the nearest, by "
                f"{errors[nearest]:.0%} of its range"
            )
        return nearest

    def check_distinct(self) -> None:
        """Raises `BadInputError` where two variants give the same answer to a picture."""
        for place, name in enumerate(self.variants[1:], start=1):
            before = np.abs(self.answers[:place] - self.answers[place])
            least = before.reshape(place, len(self.pictures), -1).max(axis=2) / self.spans[place]
            if least.min() < LEAST_DIFFERENCE:
                other = self.variants[int(least.min(axis=1).argmin())]
                raise BadInputError(
                    f"{name} and {other} give the same answers: give other pictures, or publish one of the two"
                )


def check_alike(task: str, details: Sequence[Details]) -> None:
    """Raises `BadInputError` where the variants have different inputs or outputs, or there are none."""
    if not details:
        raise BadInputError(f"no variant of {task} is published: run 'stage=[profile,publish]'")
    first = details[0]
    for one in details[1:]:
        if (one.input, one.output) != (first.input, first.output):
            raise BadInputError(
                f"{one.name} has other inputs or outputs than {first.name}: clients of the task {task} send one kind"
            )


def answered(files: VariantFiles, pictures: np.ndarray) -> np.ndarray:
    """The answers of the published file to single pictures, as clients send them, (pictures, …)."""
    with scratch("answers") as made:
        path = made.folder / "model.onnx"
        write_model(files, path)
        session = open_session(path, threads=1)
    name = session.get_inputs()[0].name
    return np.concatenate([run(session, {name: pictures[k : k + 1]}) for k in range(len(pictures))])


def example(repository: Repository, task: str, details: Sequence[Details]) -> np.ndarray:
    """The published example of the first variant that has one, (C, H, W); raises `BadInputError` where none has."""
    for one in details:
        found = VariantFiles.of(repository, one.name).example()
        if found is not None:
            return found
    raise BadInputError(f"no example of {task} is published: give pictures")


def mirrored(picture: np.ndarray) -> np.ndarray:
    """The picture as it is and mirrored along each of its last two axes, (4, C, H, W); fewer for fewer axes."""
    pictures = [picture]
    for axis in range(max(0, picture.ndim - 2), picture.ndim):
        pictures += [np.flip(one, axis) for one in pictures]
    return np.ascontiguousarray(np.stack(pictures), np.float32)
