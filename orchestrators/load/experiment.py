"""When a stress test that grows has seen enough (thesis 5.2.2).

It goes on until requests are significantly out of time or answers fail. The thesis gives no figure for "significantly";
here it is a share of the last step's requests.
"""

from collections.abc import Callable, Iterable
from typing import Self

from pydantic import Field, model_validator

from orchestrators.load.shapes import Step
from profiler.errors import BadInputError
from profiler.records.base import Value

LATE_SHARE = 0.1


class StepAnswers(Value):
    """What became of one step's requests: how many there were, were late or lost, and were answered with an error."""

    requests: int = Field(ge=0)
    late: int = Field(ge=0)
    failed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def no_more_than_requests(self) -> Self:
        if self.late + self.failed > self.requests:
            raise ValueError(f"{self.late} late and {self.failed} failed of {self.requests} requests: count each once")
        return self


def overloaded(answers: StepAnswers, late_share: float = LATE_SHARE) -> bool:
    """Whether any answer failed, or more than `late_share` (0 to 1) of the requests were late."""
    if not 0 <= late_share < 1:
        raise BadInputError(f"late_share={late_share}: it is a share of the requests, 0 to below 1")
    return answers.failed > 0 or answers.late > late_share * answers.requests


def until_overloaded(
    steps: Iterable[Step], send: Callable[[Step], StepAnswers], late_share: float = LATE_SHARE
) -> list[tuple[Step, StepAnswers]]:
    """Sends steps that grow until one overloads: every step that was sent, with its answers.

    Steps that fall end by themselves, however they are answered: go through those one by one.
    """
    done = []
    for step in steps:
        done.append((step, send(step)))
        if overloaded(done[-1][1], late_share):
            break
    return done
