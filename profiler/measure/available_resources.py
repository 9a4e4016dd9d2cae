"""Which resources a target can give to a model."""

import math

from profiler.common.target import Resources
from profiler.target.model_under_test import ModelUnderTest


def can_be_had(model: ModelUnderTest, wanted: Resources) -> bool:
    """Whether the server takes these resources, and keeps to them."""
    target = model.target
    if target.model is not None:
        return wanted == model.own
    if model.in_process and "openvino" in target.providers and wanted.cores != target.cores:
        # It counts the cores once in a process, and starts no more threads than it found.
        return False
    if model.in_process:
        # A part of a core would be shared with the load generator, and nothing here has instances.
        return wanted.instances == target.instances and wanted.cores % 1 == 0 and available(model, wanted)
    if not model.visible:
        return wanted.cores == target.cores
    return available(model, wanted)


def available(model: ModelUnderTest, wanted: Resources) -> bool:
    """Whether this machine has that many cores."""
    return math.ceil(wanted.cores) <= len({*model.prepared.server_cores, *model.prepared.client_cores})
