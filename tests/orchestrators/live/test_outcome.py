"""What a live run delivered, from requests, journal and stalls."""

import json
from pathlib import Path

import numpy as np
import pytest
from made_live import LARGE, SMALL, TARGET, TASK, live_repository
from made_run import BEES, DIGITS, START_S, made_run, requests, second, switched

from orchestrators.live.outcome import Outcome, outcome
from orchestrators.live.run import Run, Traffic
from orchestrators.live.run_report import OUTCOME, report


def test_every_request_is_right_and_in_time_or_late_or_lost_or_wrong() -> None:
    found = outcome(made_run()).whole.all_tasks
    assert (found.sent, found.answered, found.late, found.lost, found.wrong) == (11, 9, 3, 1, 1)
    assert found.late_share == pytest.approx(5 / 11)
    assert found.in_time_share == pytest.approx(6 / 11)


def test_accuracy_is_the_mean_over_right_answers_and_normalised_by_the_tasks_best() -> None:
    found = outcome(made_run()).whole
    assert found.tasks["digits"].accuracy == pytest.approx((3 * 0.9 + 3 * 0.6) / 6)
    assert found.tasks["digits"].normalised_accuracy == pytest.approx((3 + 3 * 0.6 / 0.9) / 6)
    assert found.tasks["bees"].normalised_accuracy == pytest.approx(1)
    assert found.all_tasks.accuracy == pytest.approx((3 * 0.9 + 3 * 0.6 + 3 * 0.8) / 9)
    # As the thesis counts: the mean of the tasks, not of the requests.
    assert found.all_tasks.normalised_accuracy == pytest.approx((5 / 6 + 1) / 2)


def test_what_a_stall_fell_on_before_its_deadline_is_left_out() -> None:
    found = outcome(made_run())
    assert found.stalled_seconds == 1
    # Those of 7.5 s and 7.2 s, and that of 6.5 s, to which it could still have done nothing, stays.
    assert found.outside_stalls.tasks["digits"].sent == 6
    assert found.outside_stalls.tasks["bees"].sent == 3
    assert found.outside_stalls.all_tasks.late == 1
    due_in_it = requests(DIGITS, [(6.7, 0.5, 0), (8.01, 0.5, 0)])
    only = outcome(made_run(traffic=Traffic(START_S, {"digits": due_in_it})))
    assert only.outside_stalls.all_tasks.sent == 1


def test_what_was_unanswered_while_a_network_was_replaced_is_during_switches() -> None:
    run = made_run()
    found = outcome(run).during_switches.all_tasks
    assert (found.sent, found.late, found.lost, found.wrong) == (1, 1, 0, 0)
    lost = outcome(made_run(switched=[switched(8.6, 8.8)])).during_switches.all_tasks
    assert (lost.sent, lost.lost) == (1, 1)


def test_cpu_is_the_mean_over_seconds_of_the_traffic_and_servers() -> None:
    found = outcome(made_run())
    assert found.whole.cpu_share == pytest.approx((9 * 0.5 + 0.9) / 10)
    assert found.outside_stalls.cpu_share == pytest.approx(0.5)
    two = outcome(made_run(seconds=[second(0, 0.2), second(0, 0.6, "other:1")]))
    assert two.whole.cpu_share == pytest.approx(0.4)


def test_switches_within_the_traffic_count_and_first_loads_do_not() -> None:
    found = outcome(
        made_run(
            switched=[
                switched(-2, -1),
                switched(0.1, 0.3, before=None),
                switched(4.2, 4.6),
                switched(6.2, 6.6, task="bees", before=BEES[0], after=BEES[1], error="no memory"),
            ]
        )
    )
    assert (found.switches, found.failed_switches) == (1, 1)
    assert (found.whole.tasks["digits"].switches, found.whole.tasks["bees"].switches) == (1, 0)


def test_requests_that_the_client_sent_late_are_counted() -> None:
    run = made_run()
    run.traffic.tasks["bees"].sent_s[:2] += 0.05
    assert outcome(run).late_sends == 2


def test_what_is_unknown_has_its_reason() -> None:
    nothing = requests(DIGITS, [(0.5, 0, -1)])
    found = outcome(made_run(traffic=Traffic(START_S, {"digits": nothing}), seconds=[], switched=[]))
    assert found.whole.all_tasks.normalised_accuracy is None
    assert found.whole.all_tasks.late_share == 1
    assert found.whole.reasons == {"cpu_share": "the journal has no second of it"}
    assert found.during_switches.all_tasks.reasons["late_share"] == "nothing was sent"


def test_it_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    report(made_run(), tmp_path)
    content = json.loads((tmp_path / OUTCOME).read_text())
    assert Outcome.model_validate(content) == outcome(made_run())


def test_accuracies_are_the_published_ones(tmp_path: Path) -> None:
    repository = live_repository(tmp_path)
    answered = requests((LARGE, SMALL), [(0.5, 0.1, 0), (0.6, 0.1, 1)])
    run = Run.of("a policy", Traffic(START_S, {TASK: answered}), ([], []), [], repository, TARGET, 400.0)
    assert outcome(run).whole.all_tasks.accuracy == pytest.approx((0.96 + 0.8) / 2)
    assert np.isclose(outcome(run).whole.all_tasks.normalised_accuracy or 0, (1 + 0.8 / 0.96) / 2)
