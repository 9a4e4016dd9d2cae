"""The machine's resources that a served model gets."""

from dataclasses import dataclass

# These limits are above what a machine has, so that an untrusted target or level cannot exhaust its memory.
MAX_CORES = 4096
MAX_INSTANCES = 256
# The most threads or instances per core.
MAX_A_CORE = 16


@dataclass(frozen=True)
class Resources:
    """`cores` of the machine (half a core is a quota), `threads` inside an operator, `instances` side by side."""

    cores: float
    threads: int
    instances: int
