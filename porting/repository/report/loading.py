"""The costs of a loaded model: the time to load and to replace it, its memory, its energy."""

from porting.repository.figures import why_absent
from porting.repository.report.section import Section, Table, absent
from porting.repository.report.words import between, figure, known, mebibytes, number, reasons
from profiler.records.memory import LargestBatch, MemoryPoint
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput
from profiler.records.warm_up import Durations, LoadTime, Switch, UnloadTime

DURATIONS = ("p50_ms", "p95_ms", "min_ms", "max_ms")
BYTES = ("resident_bytes", "model_bytes", "peak_bytes", "gpu_bytes")
LOADING, MEMORY, ENERGY = "Loading and unloading", "Memory", "Energy"


def loading(profile: Profile) -> Section:
    """Load times by page cache, unload times, and the effect of a switch under traffic."""
    rows = [durations_row(f"load, page cache {one.page_cache}", one) for one in profile.load_time]
    rows += [durations_row("unload", one) for one in profile.unload_time]
    notes = reasons((*profile.load_time, *profile.unload_time), *DURATIONS)
    notes += [switch_in_words(one) for one in profile.switch]
    notes += [f"Not measured: {one}." for one in profile.predicted]
    for found, kind in ((profile.load_time, LoadTime), (profile.unload_time, UnloadTime), (profile.switch, Switch)):
        if not found:
            notes.append(f"{kind.__name__} is not there: {why_absent(profile, kind, 'warm_up')}.")
    columns = ("", "p50, ms [95 %]", "p95, ms", "min, ms", "max, ms", "n")
    return Section(LOADING, notes, table=Table(columns, rows) if rows else None)


def durations_row(what: str, one: Durations) -> tuple[str, ...]:
    """The row of one kind of duration."""
    p50_ms, *others = (getattr(one, name) for name in DURATIONS)
    return what, between(p50_ms, one.p50_low_ms, one.p50_high_ms), *map(figure, others), str(one.n)


def switch_in_words(one: Switch) -> str:
    """The latency and the processor use before, during and after the switches."""
    latencies = ", ".join(
        f"{known(one, f'{when}_p50_ms')} ms {when} (p99 {known(one, f'{when}_p99_ms')})"
        for when in ("before", "during", "after")
    )
    return (
        f"{one.switches} switches under {number(one.offered_per_s)} requests/s: loaded in {number(one.load_ms)} ms; "
        f"p50 {latencies}; slowest {known(one, 'slowest_ms')} ms; {one.lost} lost and {one.wrong} wrong of {one.sent}; "
        f"server cores {known(one, 'server_cores_before')} before, {known(one, 'server_cores_during')} during."
    )


def memory(profile: Profile) -> Section:
    """Resident and peak memory by batch, and the largest batch within a limit."""
    if not profile.memory and not profile.largest_batch:
        return absent(MEMORY, profile, MemoryPoint, "memory")
    columns = ("of", "batch", "resident", "of the model", "peak", "GPU")
    rows = [(one.source, str(one.batch), *(mebibytes(getattr(one, name)) for name in BYTES)) for one in profile.memory]
    table = Table(columns, rows) if rows else None
    notes = [largest_in_words(one) for one in profile.largest_batch]
    notes = notes or [f"Largest batch is not there: {why_absent(profile, LargestBatch, 'memory')}."]
    return Section(MEMORY, [*notes, *reasons(profile.memory, *BYTES)], table=table)


def largest_in_words(one: LargestBatch) -> str:
    """The largest batch and its limit, or the reason why it is unknown."""
    if one.batch is None:
        return f"Largest batch: {known(one, 'batch')}."
    limit, peak = mebibytes(one.limit_bytes), mebibytes(one.peak_bytes)
    return f"Largest batch within {limit}: {one.batch}, which peaks at {peak}; too large: {known(one, 'too_large')}."


def energy(profile: Profile) -> Section:
    """The energy at each maximum, or the reason why it is unknown."""
    notes = list(dict.fromkeys(map(energy_in_words, profile.max_throughput)))
    return Section(ENERGY, notes) if notes else absent(ENERGY, profile, MaximalThroughput, "throughput")


def energy_in_words(best: MaximalThroughput) -> str:
    """The energy at one maximum, or the reason why it is unknown."""
    one = best.energy
    if one.joules_per_inference is None:
        return f"Energy per inference by {one.source}: {known(one, 'joules_per_inference')}."
    return (
        f"Batch {best.batch} × {best.concurrency} callers on {number(best.cores)} core(s): "
        f"{number(one.joules_per_inference)} J per inference ({one.source}, n {one.n})."
    )
