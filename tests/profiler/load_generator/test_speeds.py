"""What is learnt of a machine's speed from the readings of a reference."""

import numpy as np
import pytest
from narrowing import known

from profiler.load_generator.speeds import FALLEN_SHARE, LEAST_DRIFT_SD, Speeds


def test_one_slow_reading_does_not_become_the_normal_rate() -> None:
    speeds = Speeds([611.0])
    speeds.add([717.0, 715.0, 719.0, 716.0])
    assert speeds.normal_per_s() == pytest.approx(717.0)


def test_the_readings_of_the_moment_show_that_the_first_one_was_slow() -> None:
    assert Speeds([500.0]).fallen([1000.0, 1000.0, 1010.0, 500.0]) == [False, False, False, True]


def test_a_reference_falls_off_below_the_stated_share_of_its_normal_rate() -> None:
    speeds = Speeds([1000.0] * 9)
    least = FALLEN_SHARE * 1000
    assert speeds.fallen([least - 1, least + 1]) == [True, False]


@pytest.mark.parametrize(("share", "fallen"), [(0.9, False), (0.8, True)])
def test_a_tenth_below_the_normal_rate_is_noise_and_a_fifth_is_none(share: float, fallen: bool) -> None:
    assert Speeds([1000.0] * 9).fallen([share * 1000]) == [fallen]


def test_no_machine_is_taken_to_be_steadier_than_a_run_can_show() -> None:
    assert Speeds([1000.0] * 50).drift_sd() == LEAST_DRIFT_SD
    assert Speeds([1000.0, 2000.0]).drift_sd() == LEAST_DRIFT_SD


def test_the_drift_is_the_spread_of_readings_that_lie_apart() -> None:
    generator = np.random.default_rng(0)
    readings = 1000 * np.exp(generator.normal(0, 0.06, 400))
    assert Speeds(readings.tolist()).drift_sd() == pytest.approx(0.06, rel=0.1)


def test_the_normal_rate_is_the_surer_the_more_was_read() -> None:
    few, many = known(Speeds([1000.0] * 4).learnt()), known(Speeds([1000.0] * 16).learnt())
    assert (few.readings, many.readings) == (4, 16)
    assert many.standard_error_share == pytest.approx(few.standard_error_share / 2)


def test_a_reading_that_turns_out_to_be_disturbed_is_no_drift() -> None:
    assert Speeds([500.0, 520.0, *[1000.0] * 8]).drift_sd() == LEAST_DRIFT_SD
