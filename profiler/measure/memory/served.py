"""The memory of the processes that serve a model: without it, with it, and while they answer."""

from profiler.load_generator.closed_loop import ClosedLoop
from profiler.measure.memory.gpu import gpu_bytes
from profiler.records.usage import Usage
from profiler.system.missing_values import unknown
from profiler.system.processes import reset_peak, tree, usage
from profiler.target.model_under_test import Subject

UNSEEN = "the serving processes are not ours to see"


def served_memory(subject: Subject, batch: int) -> dict[str, object]:
    """The figures of a `MemoryPoint`, and in `reasons` why some are missing; the model is loaded afresh."""
    process = subject.bench.host.process
    if process is None:
        unseen = dict.fromkeys(("resident_bytes", "model_bytes", "peak_bytes", "gpu_bytes"))
        return {**unseen, "reasons": unknown(unseen, UNSEEN)}
    subject.alone()
    # What a server keeps of its first load is not this model's.
    subject.serve()
    subject.unload()
    before = usage(process)
    subject.load(subject.bench.target.resources)
    no_peak = reset_peak(process)
    answer(subject, batch)
    found, reasons = figures(before, usage(process))
    if no_peak is not None:
        found["peak_bytes"], reasons["peak_bytes"] = None, no_peak
    pids = {one.pid for one in tree(process)}
    found["gpu_bytes"], no_gpu = gpu_bytes(subject.bench.target.providers, pids)
    return {**found, "reasons": reasons | unknown({"gpu_bytes": found["gpu_bytes"]}, no_gpu)}


def answer(subject: Subject, batch: int) -> None:
    """Keeps every instance busy for some answers."""
    instances = subject.bench.target.instances
    with subject.driving():
        ClosedLoop(subject.serve(), subject.expectation, batch, instances).warm_up()


def figures(before: Usage, after: Usage) -> tuple[dict[str, int | None], dict[str, str]]:
    """What is resident, what of it is new, and the peak: that is as far above it as each process's own peak is.

    What processes share counts once (PSS). The kernel keeps a peak of each process with all that it shares (RSS),
    so only the distance from there to the present is taken.
    """
    if before.pss_bytes is None or after.pss_bytes is None:
        missing = dict.fromkeys(("resident_bytes", "model_bytes", "peak_bytes"))
        return missing, unknown(missing, {**before.reasons, **after.reasons}["pss_bytes"])
    above = None if after.peak_bytes is None else max(0, after.peak_bytes - after.rss_bytes)
    found = {
        "resident_bytes": after.pss_bytes,
        "model_bytes": after.pss_bytes - before.pss_bytes,
        "peak_bytes": None if above is None else after.pss_bytes + above,
    }
    return found, unknown(found, after.reasons.get("peak_bytes", ""))
