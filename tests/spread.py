"""How processes share the tests: each takes whole files, and one of them all that needs what the machine has once.

That is the host's lock, the published workspace, and a machine whose processes and leftovers are counted.
"""

import re
from functools import cache

from support import ROOT
from xdist.scheduler import LoadScopeScheduling

ALONE = re.compile(r"pytest\.mark\.alone|\bpublished: Path")


class Spread(LoadScopeScheduling):  # type: ignore[misc]
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "alone" if needs_to_be_alone(file) else file


@cache
def needs_to_be_alone(file: str) -> bool:
    """Whether the file says so; it is read, as the process that gives out the tests imports none of them."""
    return bool(ALONE.search((ROOT / file).read_text()))
