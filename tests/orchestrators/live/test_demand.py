"""The demand from a server's counts."""

from orchestrators.live.usage import Demand


def test_the_demand_is_what_was_counted_since_the_last_look_by_second() -> None:
    demand = Demand(["digits", "bees"])
    demand.observe(10.0, {"digits": 100, "bees": 7})
    assert demand.observe(12.0, {"digits": 130, "bees": 7}) == {"digits": 15.0, "bees": 0.0}


def test_the_first_look_knows_no_demand_whatever_was_counted_before() -> None:
    assert Demand(["digits"]).observe(0.0, {"digits": 9000}) == {"digits": 0.0}


def test_counts_that_start_anew_are_neither_a_burst_nor_negative() -> None:
    demand = Demand(["digits"])
    looks = [(demand.observe(second, {"digits": count}), demand.fell) for second, count in enumerate((0, 20, 17, 40))]
    assert looks[1:] == [({"digits": 20.0}, False), ({"digits": 20.0}, True), ({"digits": 23.0}, False)]


def test_what_warms_a_new_network_up_is_no_demand_even_where_it_counts_more_than_the_old_one() -> None:
    demand = Demand(["digits"])
    demand.observe(0.0, {"digits": 1})
    demand.observe(1.0, {"digits": 3})
    demand.forget("digits")
    assert demand.observe(2.0, {"digits": 17}) == {"digits": 2.0}
    assert demand.observe(3.0, {"digits": 21}) == {"digits": 4.0}


def test_a_task_that_is_not_served_for_a_while_comes_back_without_a_burst() -> None:
    demand = Demand(["digits"])
    demand.observe(0.0, {"digits": 0})
    demand.observe(1.0, {"digits": 5})
    assert demand.observe(2.0, {}) == {"digits": 5.0}
    assert demand.observe(60.0, {"digits": 900}) == {"digits": 5.0}
    assert demand.observe(61.0, {"digits": 903}) == {"digits": 3.0}


def test_names_that_are_no_task_are_left_out() -> None:
    assert Demand(["digits"]).observe(0.0, {"digits": 1, "somebody": 1}).keys() == {"digits"}


def test_the_policy_is_shown_what_was_seen_second_by_second() -> None:
    demand = Demand(["digits"])
    assert demand.rates_rps()["digits"].tolist() == []
    for second, count in enumerate([0, 100, 110, 110, 130]):
        demand.observe(second, {"digits": count})
    assert demand.rates_rps()["digits"].tolist() == [100, 10, 0, 20]
