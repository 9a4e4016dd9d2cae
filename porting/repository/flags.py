"""The flags of a variant: the names of what may be wrong with its answers, and the one that takes its rank."""

from collections.abc import Iterable

from porting.repository.schema import Flags

# The validation accuracy is above the test accuracy by more than chance allows.
SEEN = "validation-above-test"
ONE_ANSWER = "one-answer"
COLLAPSED = "collapsed-classes"


def why_unranked(flags: Flags, metrics: Iterable[str]) -> str:
    """The reason why a variant has no rank in these metrics, as one of them is a flagged accuracy; else empty."""
    return flags.get(SEEN, "") if "accuracy" in metrics else ""
