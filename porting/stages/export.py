"""export: an ONNX file, with its accuracy, and a torch program for every network that is to be served."""

from collections.abc import Sequence

from porting.jobs.context import Context, section_values
from porting.jobs.job import Job
from porting.stages.pruned_variants import is_superseded
from porting.workspace.records import Variant
from profiler.common.files import json_digest
from profiler.common.version import versions

PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime")


def jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """One for each network; a pruned one that has a fine-tuned successor is not served."""
    return [
        job(context, variant)
        for variant in pool
        if variant.network is not None and not is_superseded(variant, pool, context.settings.finetune.only_best)
    ]


def job(context: Context, variant: Variant) -> Job:
    """The job for the files of one network, beside its weights."""
    key = json_digest(
        {
            "network": variant.key,
            "settings": section_values(context.settings.export),
            "data": context.data.recipe if context.data else None,
            "versions": versions(PACKAGES),
        }
    )
    return Job(stage="export", variant=variant.name, inputs=[variant.name], values={"key": key})


def reuse(context: Context, job: Job) -> Variant | None:
    """The variant where its file was exported with the same key and is what it was."""
    variant = context.variant(job.variant)
    if variant.onnx is None or variant.onnx.key != job.values["key"]:
        return None
    context.workspace.check_files(variant)
    return variant
