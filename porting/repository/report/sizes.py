"""Latency, throughput and memory over the input sizes and the batches, with the fits over both."""

from porting.repository.report.latency import fit_in_words
from porting.repository.report.section import Section, Table, absent
from porting.repository.report.words import between, known, mebibytes, reasons
from profiler.records.form import FormName
from profiler.records.latency import LatencyPoint
from profiler.records.profile import Profile
from profiler.records.throughput import SizePoint

TITLE = "Input sizes and batches"
FORMS: tuple[FormName, ...] = ("linear in batch and pixels", "memory in batch and pixels")
LEGEND = (
    "Latency of the computation alone; throughput with the callers of the maximum of the first size; peak memory of a "
    "process that only answers the batch."
)


def sizes(profile: Profile) -> Section:
    """The table over sizes and batches."""
    own, computes_in = profile.target.resources, profile.target.computes_in
    latencies = {
        (one.input_shape, one.batch): one
        for one in profile.latency
        if (one.runtime, one.cores, one.threads, one.concurrency) == (computes_in, own.cores, own.threads, 1)
    }
    points = {(one.input_shape, one.batch): one for one in profile.own(profile.sizes)}
    if len({shape for shape, _ in latencies.keys() | points.keys()}) < 2:
        return absent(TITLE, profile, SizePoint, "sizes")
    places = sorted(latencies.keys() | points.keys())
    rows = [row(*place, latencies.get(place), points.get(place)) for place in places]
    columns = ("input", "batch", "p50, ms [95 %]", "images/s [95 %]", "peak")
    fits = [fit_in_words(fit) for fit in profile.fits if fit.form in FORMS]
    refused = [f"No fit {one.form}: {one.reason}." for one in profile.refused_fits if one.form in FORMS]
    return Section(
        TITLE, [LEGEND, *fits, *refused, *reasons(points.values(), "peak_bytes")], table=Table(columns, rows)
    )


def row(shape: tuple[int, ...], batch: int, latency: LatencyPoint | None, point: SizePoint | None) -> tuple[str, ...]:
    """The row of one size and batch; a batch may have a latency only."""
    return (
        "×".join(map(str, shape)),
        str(batch),
        "not measured" if latency is None else between(latency.p50_ms, latency.p50_low_ms, latency.p50_high_ms),
        "not measured" if point is None else known(point, "images_per_s", "low_images_per_s", "high_images_per_s"),
        "not measured" if point is None else mebibytes(point.peak_bytes),
    )
