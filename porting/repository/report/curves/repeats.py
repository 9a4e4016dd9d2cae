"""The same throughput and the same latency over and over, side by side (thesis, figure 5.6)."""

from collections.abc import Sequence

from porting.repository.report.curves.canvas import COLOURS, Canvas, Mark
from porting.repository.report.curves.section import Section, absent
from porting.repository.report.curves.words import number, share
from profiler.records.profile import Profile
from profiler.records.repeats import Repeats

TITLE = "Throughput and latency, repeated"
LEGEND = "Filled: drift-corrected; hollow: raw. Both axes span the same share of their middle."
# The least that is shown on either side of the middle, and the room left about the outermost value.
LEAST_SHARE, MARGIN = 0.02, 1.1


def repeats(profile: Profile, name: str) -> Section:
    """Two panels for each series of repeats."""
    if not profile.repeats:
        return absent(TITLE, profile, Repeats, "repeats")
    drawings = [draw(one, f"{name}-{place}") for place, one in enumerate(profile.repeats, start=1)]
    return Section(TITLE, [LEGEND, *map(in_words, profile.repeats)], "".join(drawings))


def draw(one: Repeats, name: str) -> str:
    """Throughput on the left, latency on the right, so that their spreads can be compared by eye."""
    canvas = Canvas(name, columns=2)
    series = {
        "throughput": ("images/s", one.images_per_s, one.corrected_images_per_s),
        "latency": ("p50 at batch 1, ms", one.latency_p50_ms, one.corrected_latency_p50_ms),
    }
    ends = {what: (min(*raw, *corrected), max(*raw, *corrected)) for what, (_, raw, corrected) in series.items()}
    half_share = max(LEAST_SHARE, *(MARGIN * (high - low) / (high + low) for low, high in ends.values()))
    for panel, (what, (unit, raw, corrected)) in zip(canvas.panels, series.items(), strict=True):
        canvas.marks(panel, f"{what}-raw", marks(raw, f"{unit}, raw"), colour=COLOURS[0], hollow=True)
        canvas.marks(panel, f"{what}-corrected", marks(corrected, f"{unit}, corrected"), colour=COLOURS[0], line="-")
        middle = sum(ends[what]) / 2
        panel.x.label, panel.y.label = "repeat", unit
        panel.y.low, panel.y.high = middle * (1 - half_share), middle * (1 + half_share)
    return canvas.svg(TITLE)


def marks(values: Sequence[float], what: str) -> list[Mark]:
    """The values in the order of measuring."""
    return [
        Mark(place, value, f"repeat {place}: {number(value)} {what}") for place, value in enumerate(values, start=1)
    ]


def in_words(one: Repeats) -> str:
    """How far the repeats spread, as coefficients of variation."""
    throughput = f"{share(one.images_per_s_cv)} raw, {share(one.corrected_images_per_s_cv)} corrected"
    latency = f"{share(one.latency_p50_cv)} raw, {share(one.corrected_latency_p50_cv)} corrected"
    return (
        f"{one.repeats} repeats of {number(one.repeat_s)} s, {one.kind}. "
        f"CV of the throughput at batch {one.batch} × {one.concurrency} callers: {throughput}. "
        f"CV of the median latency at batch 1 ({one.latency_runtime}): {latency}; "
        f"of the mean latency: {share(one.latency_mean_cv)} raw."
    )
