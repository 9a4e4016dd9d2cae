"""The variants of a task on a target, for planners, from the metadata alone."""

from porting.repository import Repository
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError

MS_PER_S = 1e3


def family(repository: Repository, task: str, target: str) -> list[VariantOnTarget]:
    """The frontier of a task on a target in accuracy and throughput, the most accurate first.

    Raises `BadInputError` for an unknown task or target, and where no variant was measured.
    """
    found = [repository.on(published.name, target) for published in repository.frontier(task, target)]
    if not found:
        raise BadInputError(f"no variant of {task} was measured on {target}: run stage=profile,publish target={target}")
    return found
