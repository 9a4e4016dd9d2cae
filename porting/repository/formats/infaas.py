"""INFaaS: the `.config` with which `infaas_modelregistration` registers a variant.

https://github.com/stanford-mast/INFaaS, src/profiler/model_profile.config.template and, for what is read and in
which unit, src/master/modelreg_server.cc: a line is a key and a value in fewer than 254 characters, and unknown keys,
such as `#`, are ignored.
"""

from porting.repository.formats.conversion import Conversion, ConvertedFiles
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.target import ON_GPU
from profiler.records.latency import LatencyPoint
from profiler.records.memory import MemoryPoint

# INFaaS fits a regression over the first three; it reads the memory at batch 8.
READ_BATCHES, WRITTEN_BATCHES, MEMORY_BATCH = (1, 4, 8), (16, 32, 64), 8
# INFaaS takes a variant with a maximal batch above 64 for a CPU variant, and any other for a GPU variant.
CPU_MAX_BATCH = 128
LONGEST_LINE = 253

NOTES = (
    "ms: loadlat (median, page cache warm), inflatb* (mean of a full batch in the profiler's process)",
    "bytes: compsize (the file), peakmemory (at batch 8, of the serving processes or of the GPU)",
    "percent: accuracy, on the validation split",
    f"maxbatch: {CPU_MAX_BATCH} is INFaaS's mark of a CPU variant and no measured limit; on a GPU the largest measured",
    "framework: INFaaS has no worker for it; its registration and its selection do not need one",
)


def files(conversion: Conversion) -> ConvertedFiles:
    """One file a variant; raises `BadInputError` for a missing figure that INFaaS reads."""
    texts = {}
    for one in conversion.measured():
        comments = [f"# {line}"[:LONGEST_LINE] for line in (one.provenance(), *NOTES)]
        # A value is one word.
        pairs = [f"{key} {'_'.join(value.split())}" for key, value in items(one).items()]
        texts[f"{one.name}.config"] = "\n".join([*comments, *pairs]) + "\n"
    return ConvertedFiles(texts)


def items(one: VariantOnTarget) -> dict[str, str]:
    """Every item of INFaaS's template, in its order and units."""
    profile = one.profile
    evaluated = one.accuracy()
    on_gpu = bool(ON_GPU & set(profile.target.providers))
    at_read_batch = (point for point in one.served_memory() if point.batch == MEMORY_BATCH)
    memory = next((point.gpu_bytes if on_gpu else point.peak_bytes for point in at_read_batch), None)
    alone = one.needed(profile.latency_at(1), "latency at batch 1", LatencyPoint)
    return {
        # INFaaS substitutes variants of one parent for each other, so every task has its own parents.
        "parname": f"{one.published.task}-{one.details.backbone}",
        "varname": one.name,
        "filename": "model.onnx",
        "dataset": evaluated.dataset,
        "task": "classification",
        "framework": "onnxruntime",
        "inputdim": str(alone.input_shape[-1]),
        "maxbatch": str(max(point.batch for point in profile.latency) if on_gpu else CPU_MAX_BATCH),
        "loadlat": f"{1e3 * one.load_s():.6f}",
        **{f"inflatb{batch}": f"{value:.6f}" for batch, value in latencies_ms(one).items()},
        "accuracy": f"{100 * evaluated.value:.6f}",
        "compsize": str(profile.complexity.file_bytes),
        "peakmemory": str(one.needed(memory, f"served memory at batch {MEMORY_BATCH}", MemoryPoint)),
    }


def latencies_ms(one: VariantOnTarget) -> dict[int, float]:
    """The mean latency of each batch; raises `BadInputError` for a missing one that INFaaS reads."""
    known = {
        batch: point.mean_ms
        for batch in (*READ_BATCHES, *WRITTEN_BATCHES)
        if (point := one.profile.latency_at(batch)) is not None
    }
    read = {batch: one.needed(known.get(batch), f"latency at batch {batch}", LatencyPoint) for batch in READ_BATCHES}
    return read | known
