"""The layers with the longest times, and why a variant is not quicker."""

from porting.repository.report.section import Section, Table, absent
from porting.repository.report.words import number, share
from profiler.records.layer_time import LayerTime, LayerTimes
from profiler.records.profile import Profile

TITLE, LONGEST = "Time by layer", 12
LEGEND = "Nodes of the graph that ONNX Runtime computes for batch 1, after its fusions, the longest first."


def layers(profile: Profile) -> Section:
    """The causes of the latency in words, and a table of the longest layers."""
    causes = [*profile.why_not_quicker]
    if not profile.layer_times:
        return absent(TITLE, profile, LayerTimes, "layers", *causes)
    times = profile.layer_times[0]
    longest = sorted(times.layers, key=lambda one: one.us, reverse=True)[:LONGEST]
    columns = ("node", "operator", "layers of the file", "µs", "of all layers")
    table = Table(columns, [row(one, times) for one in longest])
    notes = [LEGEND, sum_in_words(times), against_latency(profile, times), by_operator(times)]
    if times.is_disturbed():
        notes.insert(0, "Other work disturbed the machine during this measurement, so it shows no cause.")
    return Section(TITLE, [*(causes or ["No measured fact shows why it is not quicker."]), *notes], table=table)


def row(one: LayerTime, times: LayerTimes) -> tuple[str, ...]:
    """The row of one node."""
    layers = ", ".join(one.layers) or "no layer with work or parameters"
    return one.name, one.operator, layers, number(one.us), of_sum(one.us, times)


def of_sum(us: float, times: LayerTimes) -> str:
    """The share of a time in that of all layers."""
    return share(round(us / 1e3 / times.sum_ms, 3)) if times.sum_ms else "unknown"


def sum_in_words(times: LayerTimes) -> str:
    """The sum of the layers beside the latency in the same moments, and the cost of the clock."""
    return (
        f"The layers take {number(times.sum_ms)} ms and the call around them {number(times.call_ms)} ms, together "
        f"{share(round(times.sum_share, 3))} of the {number(times.latency_ms)} ms that a run takes without the clock "
        f"({number(times.clocked_ms)} ms with it; {number(times.clock_us)} µs a node are left out); n {times.n}."
    )


def against_latency(profile: Profile, times: LayerTimes) -> str:
    """The sum of the layers beside the median of the computation, which was measured in other moments."""
    found = profile.compute_latency_at(times.batch)
    if found is None or found.p50_ms is None:
        return "The median of the computation alone is unknown."
    of_median = share(round((times.sum_ms + times.call_ms) / found.p50_ms, 3))
    return f"They are {of_median} of the median of the computation in other moments, {number(found.p50_ms)} ms."


def by_operator(times: LayerTimes) -> str:
    """The times of the operators, the longest first."""
    found = sorted(times.operator_us.items(), key=lambda item: item[1], reverse=True)
    return "By operator: " + ", ".join(f"{name} {number(us)} µs ({of_sum(us, times)})" for name, us in found) + "."
