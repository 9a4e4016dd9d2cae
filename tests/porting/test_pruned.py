"""Which pruned networks compete, and which give way to what came of them."""

from types import SimpleNamespace

import pytest

from porting.pruned import is_beaten, is_superseded


def variant(name: str, stage: str, parent: str, accuracy: float = 0.0, asked: float = 0.5):
    pruning = SimpleNamespace(aim="ratio", asked=asked, validation_accuracy=accuracy) if stage == "prune" else None
    return SimpleNamespace(name=name, stage=stage, parent=parent, pruning=pruning)


BASE = variant("base", "train", "")
BEST, WORSE = variant("best", "prune", "base", 0.9), variant("worse", "prune", "base", 0.8)
OTHER_AIM = variant("other", "prune", "base", 0.1, asked=0.7)
TUNED = variant("tuned", "finetune", "best")
POOL = [BASE, BEST, WORSE, OTHER_AIM, TUNED]


def test_a_network_is_beaten_by_a_more_accurate_one_for_the_same_aim() -> None:
    assert [one.name for one in POOL if is_beaten(one, POOL)] == ["worse"]


@pytest.mark.parametrize(("only_best", "superseded"), [(False, ["best"]), (True, ["best", "worse"])])
def test_a_tuned_network_stands_for_the_pruned_one_and_for_those_that_it_beat(only_best: bool, superseded) -> None:
    assert [one.name for one in POOL if is_superseded(one, POOL, only_best)] == superseded


def test_nothing_is_superseded_before_anything_is_tuned() -> None:
    assert not any(is_superseded(one, POOL[:-1], only_best=True) for one in POOL[:-1])
