"""Which pruned networks compete, and which give way to what came of them."""

import pytest
from unfinished import unfinished

from porting.repository.schema import Step
from porting.stages.pruned_variants import achieved, is_beaten, is_superseded, warn_of_shortfall
from porting.workspace.records import Pruning, Variant


def variant(name: str, stage: str, parent: str, accuracy: float = 0.0, asked: float = 0.5) -> Variant:
    cut = unfinished(Pruning, aim="ratio", asked=asked, validation_accuracy=accuracy)
    lineage = [unfinished(Step, stage=stage)]
    return unfinished(Variant, name=name, lineage=lineage, parent=parent, pruning=cut if stage == "prune" else None)


BASE = variant("base", "train", "")
BEST, WORSE = variant("best", "prune", "base", 0.9), variant("worse", "prune", "base", 0.8)
OTHER_AIM = variant("other", "prune", "base", 0.1, asked=0.7)
TUNED = variant("tuned", "finetune", "best")
POOL = [BASE, BEST, WORSE, OTHER_AIM, TUNED]


def test_a_network_is_beaten_by_a_more_accurate_one_for_the_same_aim() -> None:
    assert [one.name for one in POOL if is_beaten(one, POOL)] == ["worse"]


@pytest.mark.parametrize(("only_best", "superseded"), [(False, ["best"]), (True, ["best", "worse"])])
def test_a_tuned_network_stands_for_the_pruned_one_and_for_those_that_it_beat(
    only_best: bool, superseded: list[str]
) -> None:
    assert [one.name for one in POOL if is_superseded(one, POOL, only_best)] == superseded


def test_of_equally_accurate_rivals_the_same_one_wins_in_any_order() -> None:
    pool = [variant(name, "prune", "base", 0.9) for name in ("a", "b")]
    assert [[one.name for one in order if is_beaten(one, order)] for order in (pool, pool[::-1])] == [["a"], ["a"]]


def throughput(aim: str, asked: float, images_per_s: float | None) -> Pruning:
    before = None if images_per_s is None else 100.0
    return unfinished(Pruning, aim=aim, asked=asked, images_per_s_before=before, images_per_s=images_per_s, tries=3)


@pytest.mark.parametrize(("pruning", "reached", "line"), [
    (throughput("speedup", 4.0, 310.0), 3.1,
     "prune     400 images/s are not met within 5%: the nearest of 3 networks gives 310\n"),
    (throughput("images_per_s", 250.0, 300.0), 300.0,
     "prune     250 images/s are not met within 5%: the nearest of 3 networks gives 300\n"),
    (throughput("speedup", 4.0, 390.0), 3.9, ""),
    (throughput("ratio", 0.5, None), None, ""),
])  # fmt: skip
def test_the_reached_throughput_and_the_line_for_a_missed_aim(
    pruning: Pruning, reached: float | None, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert achieved(pruning) == reached
    warn_of_shortfall(pruning)
    assert capsys.readouterr().out == line


def test_nothing_is_superseded_before_anything_is_tuned() -> None:
    assert POOL[:-1]
    assert not any(is_superseded(one, POOL[:-1], only_best=True) for one in POOL[:-1])
