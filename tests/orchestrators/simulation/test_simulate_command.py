"""simulate: the command that compares."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from made_tasks import TARGET, first, predicted, repository
from support import ROOT, Command

from orchestrators.commands.simulate import FIGURE, RESULT, simulated
from orchestrators.simulation.comparison_figure import POINTS, draw, thinned
from orchestrators.simulation.result import Result
from porting.repository import Repository
from profiler.common.errors import BadInputError

POLICIES = ("smallest", "largest", "trivial", "reactive_vms")


def compare(tasks: Repository, folder: Path, *more: str, policies: tuple[str, ...] = POLICIES) -> dict[str, Any]:
    chosen = [f"repository={tasks.storage.local}", f"output={folder}", f"policy=[{','.join(policies)}]"]
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = compose("simulate", overrides=["tasks=[digits]", *chosen, *more])
    simulated(config)
    written: dict[str, Any] = json.loads((folder / RESULT).read_text())
    return written


def test_all_policies_meet_the_same_requests(
    tasks: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = compare(tasks, tmp_path, "load.mean_rps=30", "load.seconds=60")["policies"]
    results = {name: Result.model_validate(found[name]) for name in ("smallest", "largest", "trivial")}
    demands = {result.series["digits"].demand_rps for result in results.values()}
    assert len(demands) == 1
    assert sum(next(iter(demands))) == pytest.approx(30 * 60, rel=0.1)
    shown = capsys.readouterr().out
    assert "not measured" not in shown
    assert f"digits on 1 core(s) of {TARGET}, 60 s, mean 30 requests/s, deadline 400 ms" in shown
    assert shown.index("│ trivial") < shown.index("│ smallest")
    assert (tmp_path / FIGURE).read_bytes().startswith(b"\x89PNG")


def test_a_start_up_that_was_not_measured_is_predicted_and_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foretold = [predicted(20.0 * batch, batch) for batch in (2, 4, 8, 16)] + [predicted(300.0, None)]
    changes: dict[str, Any] = {"load_time": [], "first_inference": [first(9.0, 1)], "predicted": foretold}
    found = compare(repository(tmp_path, **changes), tmp_path, "load.mean_rps=30", "load.seconds=60")
    assert Result.model_validate(found["policies"]["trivial"])
    assert any(
        "load time 300 ms, predicted (11% mean error on held-out variants)" in line for line in found["predicted"]
    )
    assert "not measured   digits-" in capsys.readouterr().out


def test_a_policy_that_cannot_run_says_why_and_the_others_run(
    tasks: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = compare(tasks, tmp_path, "load.mean_rps=30", "load.seconds=20")
    assert "states no start_up_s" in found["policies"]["reactive_vms"]["error"]
    assert "states no start_up_s" in capsys.readouterr().out


def test_the_only_policy_raises_why_it_cannot_run(tasks: Repository, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="states no start_up_s"):
        compare(tasks, tmp_path, "load.mean_rps=30", policies=("reactive_vms",))
    assert not (tmp_path / RESULT).exists()


def test_a_trace_is_scaled_to_the_mean_and_warmed_up(tasks: Repository, tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    trace.write_text("".join(f"{one}\n" for one in [10] * 30 + [30] * 30))

    def demand(*more: str) -> tuple[float, ...]:
        given = (f"load.trace={trace}", "load.mean_rps=40", *more)
        found = compare(tasks, tmp_path, *given, policies=("smallest",))
        return Result.model_validate(found["policies"]["smallest"]).series["digits"].demand_rps

    assert sum(demand("load.warm_up_s=30", "load.trend=0.2")[:10]) < sum(demand()[:10]) / 2
    assert len(demand("load.seconds=20")) == 20
    whole = demand()
    assert np.mean(whole[:30]) == pytest.approx(20, rel=0.15)
    assert np.mean(whole[30:]) == pytest.approx(60, rel=0.15)


def test_the_same_seed_gives_the_same_figures(tasks: Repository, tmp_path: Path) -> None:
    def once(seed: str) -> dict[str, Any]:
        return compare(tasks, tmp_path, "load.mean_rps=30", "load.seconds=20", f"seed={seed}", policies=("trivial",))

    assert once("1") == once("1") != once("2")


def test_what_is_missing_or_wrong_is_said_with_the_fix(tasks: Repository, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no demand: give a trace, steps, or mean_rps for a constant one"):
        compare(tasks, tmp_path)
    with pytest.raises(BadInputError, match=r"trend=-1 cannot be used: input should be greater than or equal to 0"):
        compare(tasks, tmp_path, "load.mean_rps=1", "load.trend=-1")
    with pytest.raises(BadInputError, match="unknown task 'mnist': choices are bees"):
        compare(tasks, tmp_path, "load.mean_rps=1", "tasks=[digits,mnist]")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["policy=trivail"], "unknown policy 'trivail': did you mean 'trivial'? Choices: all, inf_adapter, infaas,"),
        (["policy=null"], "policy=null is no choice: leave it out, or take one of all, inf_adapter"),
        (["policy=trivial", "policies.trivial.metirc=latency"], "unknown key 'policies.trivial.metirc': did you mean"),
        (["policy=model_switching", "policies.model_switching.max_metric={digits: 1}"], "unknown key 'policies.model_"),
        (
            ["policy=trivial", "policies.trivial.metric=speed"],
            "metric='speed' cannot be used: input should be 'inverse_",
        ),
        (
            ["policy=trivial", "policies.trivial.thresholds.hold_s=-1"],
            "orchestrators.policies.rules.Settings cannot be made: hold_s=-1 cannot be used",
        ),
        (["policy=trivial", "policies.trivial.max_metric={mnist: 1}"], "name tasks: mnist is not one of digits"),
        (["forecaster=lst"], "unknown forecaster 'lst': did you mean 'last'? Choices: last, learned, maximum"),
        (["forecaster=learned"], "forecaster.history has no value: give one with forecaster.history=VALUE"),
        (["forecaster.history=FILE"], "unknown key 'forecaster.history'"),
        (["policy=ipa", "policies.ipa.without_plan=wait"], "without_plan='wait': choices are keep, quickest"),
        (["policy=ipa", "policies.ipa.interval_s=0"], "interval_s=0: a policy decides every 1 s or more"),
    ],
)
def test_policies_and_settings_that_there_are_not_are_refused_in_one_line(
    dnn_porting: Command, tasks: Repository, tmp_path: Path, arguments: list[str], said: str
) -> None:
    common = [f"repository={tasks.storage.local}", f"output={tmp_path}", "tasks=[digits]", "load.mean_rps=1"]
    run = dnn_porting("simulate", *common, "load.seconds=5", *arguments)
    assert (run.code, len(run.err.splitlines())) == (2, 1)
    assert said in run.err


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("deadline_ms", "-1", r"deadline_ms=-1 cannot be used: input should be greater than 0"),
        ("deadline_ms", "nan", "deadline_ms=nan cannot be used"),
        ("deadline_ms", "inf", "deadline_ms=inf cannot be used"),
        ("cores", "-1", r"cores=-1 cannot be used: input should be greater than 0"),
        ("cores", "0", r"cores=0 cannot be used: input should be greater than 0"),
        ("cores", "nan", "cores=nan cannot be used"),
    ],
)
def test_a_deadline_or_cores_that_cannot_be_are_refused(
    tasks: Repository, tmp_path: Path, option: str, value: str, message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        compare(tasks, tmp_path, "load.mean_rps=1", f"{option}={value}")


def test_steps_tell_which_rate_overloads_each_policy(
    tasks: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The largest version carries 46 requests/s alone on its core, the smallest nearly 700."""
    steps = ("load.steps={shape: linear, start_rps: 10, growth_rps: 10, step_s: 20}", "load.seconds=210")
    found = compare(tasks, tmp_path, *steps, policies=("largest", "smallest", "reactive_vms"))
    assert found["overloaded_rps"] == {"largest": 50, "smallest": None}
    demand_rps = np.reshape(found["policies"]["smallest"]["series"]["digits"]["demand_rps"], (10, 20)).mean(axis=1)
    assert demand_rps == pytest.approx(np.arange(10, 101, 10), rel=0.2)
    rows = {line.split("│")[1].strip(): line for line in capsys.readouterr().out.splitlines() if "│" in line}
    assert " 50 │" in rows["largest"]
    assert " none of them │" in rows["smallest"]


def test_steps_that_cannot_be_are_refused(tasks: Repository, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"load\.steps\.shape='cubic' cannot be used: input should be 'linear' or"):
        compare(tasks, tmp_path, "load.steps={shape: cubic, start_rps: 1, growth_rps: 1, step_s: 10}")
    with pytest.raises(BadInputError, match="steps are the whole demand: leave out the trace, the mean"):
        compare(
            tasks, tmp_path, "load.steps={shape: linear, start_rps: 1, growth_rps: 1, step_s: 10}", "load.mean_rps=5"
        )


def test_planners_follow_the_forecast_that_was_chosen(tasks: Repository, tmp_path: Path) -> None:
    history, trace = tmp_path / "history.txt", tmp_path / "trace.txt"
    history.write_text("".join(f"{one}\n" for one in np.random.default_rng(0).poisson(40, 300)))
    trace.write_text(("40\n" * 20 + "160\n" * 5) * 6)

    def held_core_s(*forecast: str) -> float:
        more = (f"load.trace={trace}", "cores=8", *forecast)
        found = compare(tasks, tmp_path, *more, policies=("inf_adapter",))
        return float(found["policies"]["inf_adapter"]["held_core_s"])

    learned = ("forecaster=learned", f"forecaster.history={history}")
    held = [held_core_s("forecaster=last"), held_core_s(), held_core_s(*learned)]
    assert len(set(held)) == 3


def test_what_is_learned_needs_a_history_that_is_not_simulated(tasks: Repository, tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    trace.write_text("40\n42\n" * 100)
    with pytest.raises(BadInputError, match="is the trace that is simulated: give that of an earlier time"):
        compare(tasks, tmp_path, f"load.trace={trace}", "forecaster=learned", f"forecaster.history={trace}")


def test_a_history_too_short_for_how_far_a_planner_looks_ahead_fails_that_planner_alone(
    tasks: Repository, tmp_path: Path
) -> None:
    history = tmp_path / "history.txt"
    history.write_text("".join(f"{one}\n" for one in np.random.default_rng(0).poisson(40, 115)))
    learned = ("forecaster=learned", f"forecaster.history={history}")
    more = ("load.mean_rps=10", "load.seconds=40", "cores=8", *learned)
    found = compare(tasks, tmp_path, *more, policies=("inf_adapter", "ipa"))["policies"]
    assert "the 0.95 quantile over 30 s needs 130 s" in found["inf_adapter"]["error"]
    assert "error" not in found["ipa"]


def test_the_figure_has_a_row_for_each_policy_and_a_line_for_each_task(tasks: Repository, tmp_path: Path) -> None:
    found = compare(
        tasks, tmp_path, "tasks=[digits,bees]", "load.mean_rps=10", "load.seconds=20", policies=POLICIES[:2]
    )
    figure = draw([Result.model_validate(one) for one in found["policies"].values()])
    assert len(figure.axes) == 8
    assert [axes.get_ylabel() for axes in figure.axes[::4]] == ["smallest", "largest"]
    assert [axes.get_title() for axes in figure.axes[:4]] == [
        "demand, requests/s", "not in time, %", "accuracy", "CPU, %",
    ]  # fmt: skip
    assert [len(axes.lines) for axes in figure.axes[:4]] == [2, 2, 2, 1]


def test_many_seconds_are_drawn_as_means_and_seconds_without_a_value_as_gaps() -> None:
    moments_s, means = thinned([1.0, None, 3.0] * POINTS)
    assert len(moments_s) == POINTS
    assert moments_s[1] == 3
    assert set(means) == {2.0}
    _, means = thinned([None, 5.0])
    assert np.isnan(means[0])
    assert means[1] == 5
