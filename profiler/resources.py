"""What a served model gets of the machine."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Resources:
    """`cores` of the machine (half a core is a quota), `threads` inside an operator, `instances` side by side."""

    cores: float
    threads: int
    instances: int
