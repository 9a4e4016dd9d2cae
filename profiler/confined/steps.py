"""A confined process that says how far it got has time for the next step; elsewhere nothing is said."""

from profiler.confined.protocol import STEP, write_all

_results: list[int] = []


def tell(results: int) -> None:
    """Steps are said through this descriptor from now on."""
    _results.append(results)


def next_step() -> None:
    """The first step is done: the file loads and answers."""
    for descriptor in _results:
        write_all(descriptor, STEP)
