"""What a served model gets of the machine."""

from dataclasses import dataclass

# More than a machine has; who may write a target or a level must not ask for what takes all of its memory.
MAX_CORES = 4096
MAX_INSTANCES = 256
# A core has work for a few of them.
MAX_A_CORE = 16


@dataclass(frozen=True)
class Resources:
    """`cores` of the machine (half a core is a quota), `threads` inside an operator, `instances` side by side."""

    cores: float
    threads: int
    instances: int
