"""Which variant INFaaS gives a query to."""

from typing import Any

import pytest

from orchestrators import Infeasible
from orchestrators.planners.infaas import Query, Variant, choose
from profiler.common.errors import BadInputError

QUERY = Query(task="digits", accuracy=0.85, latency_ms=100)


def variant(name: str, latency_ms: float, cost: float = 1, **changes: Any) -> Variant:
    values: dict[str, Any] = {"task": "digits", "target": "cpu", "cores": 1, "accuracy": 0.9, "load_s": 2}
    return Variant(name=name, latency_ms=latency_ms, cost=cost, **{"rate_rps": 100.0} | values | changes)


LOADED_QUICK = variant("loaded-quick", 10, cost=3, running=1)
LOADED_SLOW = variant("loaded-slow", 90, cost=2, running=1)
LOADED_CHEAP = variant("loaded-cheap", 50, cost=1, running=1)
UNLOADED = variant("unloaded", 20, cost=0.1, load_s=0.01)


def chosen(*variants: Variant, query: Query = QUERY, literal: bool = False) -> str:
    return choose(query, variants, literal=literal).variant.name


def test_a_loaded_variant_comes_before_a_cheaper_one_that_is_not_loaded() -> None:
    for literal in (False, True):
        choice = choose(QUERY, [UNLOADED, LOADED_QUICK], literal=literal)
        assert (choice.variant.name, choice.load, choice.waits_ms, choice.late) == ("loaded-quick", False, 10, False)


def test_of_loaded_variants_the_cheapest_per_request_answers() -> None:
    assert chosen(LOADED_QUICK, LOADED_SLOW, LOADED_CHEAP) == "loaded-cheap"
    strong = variant("strong", 60, cost=4, running=1, rate_rps=900)
    assert chosen(LOADED_CHEAP, strong) == "strong"


def test_literally_the_loaded_variant_closest_to_the_bound_answers() -> None:
    assert chosen(LOADED_QUICK, LOADED_SLOW, LOADED_CHEAP, literal=True) == "loaded-slow"


def test_of_unloaded_variants_the_cheapest_that_loads_and_answers_in_time_does() -> None:
    quick = variant("quick-to-load", 20, cost=2, load_s=0.01)
    cheap = variant("cheap", 30, cost=1, load_s=0.05)
    assert chosen(quick, cheap) == "cheap"
    assert chosen(quick, cheap, literal=True) == "quick-to-load"


def test_where_none_loads_in_time_the_soonest_answers_late() -> None:
    later, sooner = variant("later", 10, load_s=3), variant("sooner", 90, cost=9, load_s=1)
    choice = choose(QUERY, [later, sooner])
    assert (choice.variant.name, choice.load, choice.late) == ("sooner", True, True)
    assert choice.waits_ms == pytest.approx(1090)


def test_an_overloaded_variant_is_as_one_that_is_not_loaded() -> None:
    overloaded = LOADED_CHEAP.model_copy(update={"given_rps": 100.0})
    assert chosen(overloaded, LOADED_QUICK) == "loaded-quick"
    assert choose(QUERY, [overloaded]).load


def test_a_query_of_many_inputs_takes_a_large_enough_batch() -> None:
    query = QUERY.model_copy(update={"inputs": 4})
    assert chosen(LOADED_CHEAP, variant("batched", 40, batch=8), query=query) == "batched"
    with pytest.raises(Infeasible, match="a query of 4 inputs, and no variant takes more than 1"):
        choose(query, [LOADED_CHEAP])


def test_the_bound_that_no_variant_meets_is_named_with_the_nearest() -> None:
    with pytest.raises(
        Infeasible, match=r"no variant of digits is 0.95 accurate: the best is loaded-quick@.* with 0.9"
    ):
        choose(Query(task="digits", accuracy=0.95, latency_ms=100), [LOADED_QUICK])
    with pytest.raises(Infeasible, match=r"answers in 5 ms: the quickest is loaded-quick@.* with 10 ms"):
        choose(Query(task="digits", accuracy=0.85, latency_ms=5), [LOADED_SLOW, LOADED_QUICK])


def test_a_variant_that_is_not_accurate_or_not_quick_enough_answers_no_query_though_it_is_the_cheapest() -> None:
    inaccurate = variant("inaccurate", 10, cost=0.1, running=1, accuracy=0.8)
    slow = variant("slow", 110, cost=0.1, running=1)
    assert chosen(inaccurate, slow, LOADED_QUICK) == "loaded-quick"


def test_a_variant_that_meets_both_bounds_exactly_answers() -> None:
    exact = variant("exact", 100, running=1, accuracy=0.85)
    assert chosen(exact) == "exact"


def test_an_unknown_task_is_refused_with_the_choices() -> None:
    with pytest.raises(BadInputError, match="no variant is for the task 'bees': choices are digits"):
        choose(Query(task="bees", latency_ms=5), [LOADED_QUICK])
