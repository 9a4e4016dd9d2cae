"""One shot, in steps, as a family; which pruned networks are tuned, and the unpruned one beside them."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from support import Command, variant_records

pytestmark = pytest.mark.integration
SETTINGS = [
    "tracking.enabled=false", "train.epochs=1", "finetune.epochs=1", "backbone.width=0.25",
    "pruner=l1", "prune.scoring_batches=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def trained(dnn_porting: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a trained network."""
    workspace = tmp_path_factory.mktemp("trained")
    run = dnn_porting("stage=train", *SETTINGS, f"workspace={workspace}")
    assert run.code == 0, run.err
    return workspace


@pytest.fixture
def workspace(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "workspace"))


def labels(workspace: Path) -> list[list[str]]:
    records = variant_records(workspace).values()
    return sorted([step["label"] for step in record["lineage"] if step["label"]] for record in records)


def test_in_a_family_each_aim_starts_from_the_tuned_network_before_it(
    dnn_porting: Command, workspace: Path, trained: Path, tmp_path: Path
) -> None:
    arguments = [
        "stage=[prune,finetune]", *SETTINGS, "prune.ratios=[0.6,0.3]", "prune.round_to=1", "prune.progressive=true",
        f"workspace={workspace}",
    ]  # fmt: skip
    run = dnn_porting(*arguments)
    assert run.code == 0, run.err
    assert labels(workspace) == [
        [], ["l1-30"], ["l1-30", "tuned"], ["l1-30", "tuned", "l1-60"], ["l1-30", "tuned", "l1-60", "tuned"],
    ]  # fmt: skip
    records = variant_records(workspace).values()
    last = next(record["pruning"] for record in records if record["lineage"][-1]["label"] == "l1-60")
    # Both ratios are of the unpruned network's channels.
    shutil.copytree(trained, tmp_path / "alone")
    alone = dnn_porting(
        "stage=prune", *SETTINGS, "prune.ratios=[0.6]", "prune.round_to=1", f"workspace={tmp_path / 'alone'}"
    )
    assert alone.code == 0, alone.err
    (expected,) = (r["pruning"] for r in variant_records(tmp_path / "alone").values() if r["pruning"])
    for key in ("parameters_before", "parameters_after"):
        assert last[key] == expected[key]
    assert "prune     0 made, 2 reused" in dnn_porting(*arguments).out


def halve_in_steps(dnn_porting: Command, workspace: Path, round_to: int) -> None:
    """Prunes half of all channels in one shot, and in three steps."""
    for steps in (1, 3):
        run = dnn_porting(
            "stage=prune", *SETTINGS, "prune.ratios=[0.5]", f"prune.round_to={round_to}", f"prune.steps={steps}",
            f"workspace={workspace}",
        )  # fmt: skip
        assert run.code == 0, run.err


def test_steps_have_training_between_them_and_end_at_the_same_widths(dnn_porting: Command, workspace: Path) -> None:
    halve_in_steps(dnn_porting, workspace, round_to=1)
    found = [record for record in variant_records(workspace).values() if record["pruning"]]
    assert len(found) == 2
    assert len({record["pruning"]["parameters_after"] for record in found}) == 1
    by_steps = {record["lineage"][-1]["settings"].get("steps", 1): record["pruning"] for record in found}
    assert by_steps[3]["validation_accuracy"] != by_steps[1]["validation_accuracy"]
    assert not list(workspace.glob("tasks/digits/trainings/*"))


def last_of(workspace: Path, label: str) -> dict[str, Any]:
    """The pruning on record of the one network that was cut so last."""
    (found,) = (one for one in variant_records(workspace).values() if one["lineage"][-1]["label"] == label)
    pruning: dict[str, Any] = found["pruning"]
    return pruning


def test_a_step_that_cuts_nothing_is_skipped_and_the_aim_is_reached_as_in_one_shot(
    dnn_porting: Command, workspace: Path
) -> None:
    # Four channels, rounded up to multiples of four, lose some in the last step alone.
    halve_in_steps(dnn_porting, workspace, round_to=4)
    found = [record["pruning"] for record in variant_records(workspace).values() if record["pruning"]]
    assert len(found) == 2
    assert len({one["parameters_after"] for one in found}) == 1


def test_what_no_step_reaches_is_refused_in_the_user_s_own_terms(dnn_porting: Command, workspace: Path) -> None:
    run = dnn_porting(
        "stage=prune", *SETTINGS, "prune.ratios=[0.01]", "prune.round_to=4", "prune.steps=3", f"workspace={workspace}"
    )
    assert run.code == 2
    assert "ratio 0.01 with prune.round_to=4 prunes nothing from ResNet" in run.err


def test_a_family_in_steps_reaches_the_widths_of_one_shot_at_every_aim(
    dnn_porting: Command, workspace: Path, trained: Path, tmp_path: Path
) -> None:
    run = dnn_porting(
        "stage=[prune,finetune]", *SETTINGS, "prune.ratios=[0.3,0.5]", "prune.round_to=1", "prune.progressive=true",
        "prune.steps=3", f"workspace={workspace}",
    )  # fmt: skip
    assert run.code == 0, run.err
    alone = Path(shutil.copytree(trained, tmp_path / "alone"))
    run = dnn_porting("stage=prune", *SETTINGS, "prune.ratios=[0.3,0.5]", "prune.round_to=1", f"workspace={alone}")
    assert run.code == 0, run.err
    for label in ("l1-30", "l1-50"):
        assert last_of(workspace, label)["parameters_after"] == last_of(alone, label)["parameters_after"]


def test_without_stage_finetune_a_family_says_which_aims_wait_for_it(dnn_porting: Command, workspace: Path) -> None:
    arguments = [*SETTINGS, "prune.ratios=[0.3,0.5,0.7]", "prune.round_to=1", "prune.progressive=true"]
    run = dnn_porting("stage=prune", *arguments, f"workspace={workspace}")
    assert run.code == 0, run.err
    assert "l1-50, l1-70 wait for stage finetune" in run.out
    assert "run stage=[prune,finetune]" in run.out
    run = dnn_porting("stage=[prune,finetune]", *arguments, f"workspace={workspace}")
    assert "wait for" not in run.out


def test_a_family_goes_on_from_what_this_run_s_recipe_tuned(dnn_porting: Command, workspace: Path) -> None:
    for rate in (0.05, 0.04):
        run = dnn_porting(
            "stage=[prune,finetune]", *SETTINGS, "prune.ratios=[0.3,0.5]", "prune.round_to=1", "prune.progressive=true",
            f"finetune.learning_rate={rate}", f"workspace={workspace}",
        )  # fmt: skip
        assert run.code == 0, run.err
    records = variant_records(workspace)
    starts = [one["parent"] for one in records.values() if one["lineage"][-1]["label"] == "l1-50"]
    rates = [records[name]["lineage"][-1]["settings"]["learning_rate"] for name in starts]
    assert sorted(rates) == [0.04, 0.05]


def test_where_only_the_best_is_tuned_every_pruner_of_a_family_goes_on_from_it(
    dnn_porting: Command, workspace: Path
) -> None:
    run = dnn_porting(
        "stage=[prune,finetune]", *SETTINGS, "pruner=[l1,random]", "prune.ratios=[0.3,0.5]", "prune.round_to=1",
        "prune.progressive=true", "finetune.only_best=true", f"workspace={workspace}",
    )  # fmt: skip
    assert run.code == 0, run.err
    records = variant_records(workspace).values()
    (first, second) = (
        {one["lineage"][-1]["label"]: one for one in records if one["lineage"][-1]["label"] in labels}
        for labels in (("l1-30", "random-30"), ("l1-50", "random-50"))
    )
    assert len(first) == len(second) == 2
    winner = max(first.values(), key=lambda one: (one["pruning"]["validation_accuracy"], one["name"]))
    (tuned,) = (one["name"] for one in records if one["parent"] == winner["name"])
    assert {one["parent"] for one in second.values()} == {tuned}


def test_only_the_best_of_the_networks_for_one_aim_is_tuned_and_the_base_if_asked(
    dnn_porting: Command, workspace: Path
) -> None:
    run = dnn_porting(
        "stage=[prune,finetune]", *SETTINGS, "pruner=[l1,random]", "prune.ratios=[0.5]", "finetune.only_best=true",
        "finetune.unpruned_too=true", f"workspace={workspace}",
    )  # fmt: skip
    assert run.code == 0, run.err
    records = variant_records(workspace).values()
    pruned = {record["name"]: record["pruning"]["validation_accuracy"] for record in records if record["pruning"]}
    tuned = [record["parent"] for record in records if record["lineage"][-1]["stage"] == "finetune"]
    base = next(record["name"] for record in records if not record["parent"])
    assert len(pruned) == 2
    assert sorted(tuned) == sorted([base, max(pruned, key=lambda name: (pruned[name], name))])


def test_an_aim_that_is_listed_later_leaves_the_others_as_they_are(dnn_porting: Command, workspace: Path) -> None:
    for ratios in ("[0.5]", "[0.5,0.6]"):
        run = dnn_porting(
            "stage=prune", *SETTINGS, f"prune.ratios={ratios}", "prune.round_to=1", f"workspace={workspace}"
        )
        assert run.code == 0, run.err
    assert "prune     1 made, 1 reused" in run.out
