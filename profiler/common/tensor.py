"""A tensor of a served graph."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tensor:
    """A graph's input or output: its name and its shape without the batch axis, -1 where it is left open."""

    name: str
    shape: tuple[int, ...]
