"""When the trivial policy moves, and how far."""

from typing import Self

from pydantic import Field, model_validator

from profiler.records.base import Value

# Arrivals are random: at 10 requests/s one second in three is a third off, and a policy that is shown single seconds
# moves to what is better for that second alone. Over five seconds that is halved, and a rise is still seen in time.
# Whoever calls `step` gives it the mean demand of so many.
SMOOTHED_S = 5


class Settings(Value):
    """The thesis's values, which it found by trial and error. Shares are of the cores, 0 to 1.

    Nothing is updated before `hold_s` have passed since the last update, nor upwards before `up_after_s`. Above a mean
    of `down_above` over `window_s` the metric falls by at least `reduction`; below a maximum of `up_below` it may grow
    until `goal` is used, counting no more use than `theory_limit` times what the metric foresees.
    """

    hold_s: int = Field(default=15, ge=0)
    up_after_s: int = Field(default=30, ge=0)
    window_s: int = Field(default=10, ge=1)
    down_above: float = Field(default=0.70, gt=0, le=1)
    reduction: float = Field(default=0.40, ge=0, lt=1)
    up_below: float = Field(default=0.50, ge=0, le=1)
    goal: float = Field(default=0.65, gt=0, le=1)
    theory_limit: float = Field(default=1.2, ge=1)

    @model_validator(mode="after")
    def steps_up_do_not_ask_for_a_step_down(self) -> Self:
        if not self.up_below < self.goal <= self.down_above:
            raise ValueError(
                f"up_below={self.up_below:g}, goal={self.goal:g}, down_above={self.down_above:g}: choose "
                "up_below < goal <= down_above, so that a step up is worth taking and is not taken back"
            )
        return self


THESIS = Settings()
