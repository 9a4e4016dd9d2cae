"""The memory of the processes that serve a model: without it, with it, and while they answer."""

from dataclasses import dataclass, replace

from profiler.load_generator.closed_loop import ClosedLoop
from profiler.measure.memory.gpu import gpu_bytes
from profiler.records.base import NOT_VISIBLE
from profiler.records.memory import Usage
from profiler.system.processes import reset_peak, tree, usage
from profiler.target.model_under_test import ModelUnderTest


@dataclass(frozen=True)
class Used:
    """The figures of a `MemoryPoint`, and why the resident memory, the peak and the GPU's memory are missing."""

    resident_bytes: int | None = None
    model_bytes: int | None = None
    peak_bytes: int | None = None
    gpu_bytes: int | None = None
    why: str = ""
    why_no_peak: str = ""
    why_no_gpu: str = ""


def served_memory(model: ModelUnderTest, batch: int) -> Used:
    """What the serving processes use with this model, which is loaded afresh."""
    process = model.host.process
    if process is None:
        return Used(why=NOT_VISIBLE, why_no_peak=NOT_VISIBLE, why_no_gpu=NOT_VISIBLE)
    model.alone()
    # What a server keeps of its first load is not this model's.
    model.serve()
    model.unload()
    before = usage(process)
    model.load(model.own)
    no_peak = reset_peak(process)
    answer(model, batch)
    used = between(before, usage(process))
    if no_peak is not None:
        used = replace(used, peak_bytes=None, why_no_peak=no_peak)
    gpu, no_gpu = gpu_bytes(model.target, {one.pid for one in tree(process)})
    return replace(used, gpu_bytes=gpu, why_no_gpu=no_gpu)


def answer(model: ModelUnderTest, batch: int) -> None:
    """Keeps every instance busy for some answers."""
    with model.driving():
        ClosedLoop(model.serve(), model.expectation, batch, model.own.instances).warm_up()


def between(before: Usage, after: Usage) -> Used:
    """What is resident, what of it is new, and the peak: that is as far above it as each process's own peak is.

    What processes share counts once (PSS). The kernel keeps a peak of each process with all that it shares (RSS),
    so only the distance from there to the present is taken.
    """
    if before.pss_bytes is None or after.pss_bytes is None:
        why = {**before.reasons, **after.reasons}["pss_bytes"]
        return Used(why=why, why_no_peak=why)
    above = None if after.peak_bytes is None else max(0, after.peak_bytes - after.rss_bytes)
    return Used(
        resident_bytes=after.pss_bytes,
        model_bytes=after.pss_bytes - before.pss_bytes,
        peak_bytes=None if above is None else after.pss_bytes + above,
        why_no_peak=after.reasons.get("peak_bytes", ""),
    )
