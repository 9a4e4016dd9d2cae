import re

import pytest

from porting.workspace.records import variant_name

KEY = "0123456789abcdef" * 4


def test_a_name_says_how_the_variant_was_made() -> None:
    name = variant_name("digits", "resnet8", ["", "taylor-50", "tuned", "int8"], KEY)
    assert name == "digits-resnet8-taylor-50-tuned-int8-01234567"


@pytest.mark.parametrize("length", [1, 20, 30])
def test_a_name_is_a_dns_label_of_at_most_63_characters(length: int) -> None:
    name = variant_name("t" * length, "b" * length, ["nni-taylor-37p5", "tuned", "int8"], KEY)
    assert len(name) <= 63
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name)
    assert name.endswith("-01234567")
