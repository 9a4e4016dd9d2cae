"""The warm-up curve: how long each inference after a fresh load takes, and from when on that is steady."""

from collections.abc import Sequence
from itertools import cycle

from porting.repository.report.curves.canvas import COLOURS, Canvas, Mark, decades
from porting.repository.report.curves.section import Section, absent
from porting.repository.report.curves.series import Rule
from porting.repository.report.curves.words import number
from profiler.records.profile import Profile
from profiler.records.warm_up import WarmUpCurve

TITLE = "Warm-up: successive inferences after a fresh load"


def warm_up(profile: Profile, name: str) -> Section:
    """A curve for each batch; a dashed line is the moment from which on it is steady."""
    if not profile.warm_up:
        return absent(TITLE, profile, WarmUpCurve, "warm_up")
    canvas = Canvas(name)
    (panel,) = canvas.panels
    for curve, colour in zip(profile.warm_up, cycle(COLOURS), strict=False):
        draw(canvas, curve, colour)
    decades(panel.y)
    panel.x.label, panel.y.label = "inference after the load", "latency, ms"
    return Section(TITLE, [in_words(curve) for curve in profile.warm_up], canvas.svg(TITLE))


def draw(canvas: Canvas, curve: WarmUpCurve, colour: str) -> None:
    """The kept inferences, counted from 1, and where they became steady."""
    (panel,), series = canvas.panels, f"batch-{curve.batch}"
    kept = [Mark(place, latency_ms, "") for place, latency_ms in zip(numbers(curve), curve.latency_ms, strict=True)]
    canvas.marks(panel, series, kept, colour=colour, marker="", line="-", width=1, label=f"batch {curve.batch}")
    first = Mark(1, curve.latency_ms[0], f"{curve.kind}, first inference: {number(curve.latency_ms[0])} ms")
    canvas.marks(panel, f"{series}-first", [first], colour=colour, marker="cross", size=4.6)
    if curve.inferences_until_steady is not None and curve.steady_ms is not None:
        steady = Mark(curve.inferences_until_steady + 1, curve.steady_ms, in_words(curve))
        canvas.marks(panel, f"{series}-steady", [steady], colour=colour, marker="diamond", size=5, hollow=True)
        panel.rules.append(Rule(steady.x, colour, upright=True, dashed=True))


def numbers(curve: WarmUpCurve) -> Sequence[int]:
    """Which inference each kept latency is of."""
    return range(1, 1 + curve.every * len(curve.latency_ms), curve.every)


def in_words(curve: WarmUpCurve) -> str:
    """When a batch became steady, or why that is unknown."""
    if curve.inferences_until_steady is None or curve.seconds_until_steady is None or curve.steady_ms is None:
        why = "; ".join(dict.fromkeys(curve.reasons.values()))
        return f"Batch {curve.batch}: steady from an unknown moment on: {why}."
    return (
        f"Batch {curve.batch}: steady at {number(curve.steady_ms)} ms after {curve.inferences_until_steady} inferences "
        f"({number(curve.seconds_until_steady)} s)."
    )
