"""The list of hostile inputs: nothing in it hides anything else, and each one has a command that reads it."""

from collections import Counter

import pytest
from hostile.door import Door
from hostile_inputs import MODULES, found_in

DOORS = [door for module in MODULES for door in found_in(module)]


def test_every_module_has_a_door_of_its_own_name() -> None:
    assert all(found_in(module) for module in MODULES)
    assert len({door.name for door in DOORS}) == len(DOORS)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_no_two_inputs_of_a_door_have_one_name(door: Door) -> None:
    names = [one.name for one in door.inputs]
    assert names
    assert [name for name, count in Counter(names).items() if count > 1] == []


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_every_input_has_commands_and_the_door_knows_them(door: Door) -> None:
    assert door.inputs
    assert [one.name for one in door.inputs if not set(one.commands) <= set(door.commands) or not one.commands] == []
