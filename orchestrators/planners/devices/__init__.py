"""Devices that warm up once and then run equal batches: what the planners of WoSC 2023 share.

A device answers its first batch of `mbs` items after W(mbs) seconds and each further one after L(mbs) = a · mbs + b, so
that with t further runs it has done (t + 1) · mbs items after W(mbs) + t · L(mbs). It keeps to one batch size: another
one would have to be warmed up again. For the same reason a last batch that lacks items takes as long as a full one.
"""

from orchestrators.planners.devices.from_repository import devices
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

__all__ = ["NO_DEVICES", "Choice", "Device", "Devices", "Schedule", "devices", "finished", "most", "rounded_up"]
