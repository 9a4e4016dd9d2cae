"""How processes share the tests: each takes whole files, those with servers and stages before the quick ones.

One process takes all files that use the published workspace, which takes most of a minute to make.
"""

import re
from functools import cache

import pytest
from support import ROOT
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

PUBLISHED = re.compile(r"\bpublished: Path")
SLOW = re.compile(r"pytest\.mark\.integration")


class Spread(LoadScopeScheduling):  # type: ignore[misc]
    """Files in the order in which they were collected, the files of the published workspace as one."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        # Files would be ordered by how many tests they have.
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return "published" if place(nodeid) == 0 else nodeid.partition("::")[0]


def place(nodeid: str) -> int:
    """When the file of a test is run: 0 with the published workspace, 1 with servers or stages, else 2."""
    return place_of(nodeid.partition("::")[0])


@cache
def place_of(file: str) -> int:
    """The file is read, as the process that gives out the tests imports none of them."""
    text = (ROOT / file).read_text()
    return 0 if PUBLISHED.search(text) else 1 if SLOW.search(text) else 2
