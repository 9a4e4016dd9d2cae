"""The stage export: an ONNX file with its accuracy, and a torch program, of every network to serve."""

from collections.abc import Sequence

from porting.jobs.context import Context
from porting.jobs.job import Job
from porting.jobs.own_code import code_versions
from porting.stages.pruned_variants import is_superseded
from porting.workspace.records import Variant
from profiler.common.files import json_digest
from profiler.common.version import versions

PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime")


def jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """One job for each network, except pruned ones with a fine-tuned successor."""
    return [
        job(context, variant)
        for variant in pool
        if variant.network is not None and not is_superseded(variant, pool, context.settings.finetune.only_best)
    ]


def job(context: Context, variant: Variant) -> Job:
    """The job that adds the files to one network."""
    key = json_digest(
        {
            "network": variant.key,
            "settings": context.settings.export.model_dump(mode="json"),
            "data": context.data.recipe if context.data else None,
            "versions": versions(PACKAGES) | code_versions("export"),
        }
    )
    return Job(stage="export", variant=variant.name, inputs=[variant.name], values={"key": key})


def reuse(context: Context, job: Job) -> Variant | None:
    """The variant where its file was exported with the same key; raises `ModelError` for a changed file."""
    variant = context.variant(job.variant)
    if variant.onnx is None or variant.onnx.key != job.values["key"]:
        return None
    context.workspace.check_files(variant)
    return variant
