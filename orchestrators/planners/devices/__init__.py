"""Devices that load, warm up once and then run equal batches, for the two planners of WoSC 2023.

A device takes its load time for the model, W(mbs) seconds for its first batch of `mbs` items and L(mbs) = a · mbs + b
for each further one. After t further runs, at load + W(mbs) + t · L(mbs), it has processed (t + 1) · mbs items. A
device keeps one batch size, as another size would need a new warm-up. So an incomplete last batch takes as long as a
full one.
"""

from orchestrators.planners.devices.from_repository import Targets, devices
from orchestrators.planners.devices.problem import (
    NO_DEVICES,
    Choice,
    Device,
    Devices,
    Schedule,
    finished,
    most,
    rounded_up,
)

__all__ = [
    "NO_DEVICES",
    "Choice",
    "Device",
    "Devices",
    "Schedule",
    "Targets",
    "devices",
    "finished",
    "most",
    "rounded_up",
]
