"""The figures of published variants and their targets, from the metadata alone."""

from collections.abc import Mapping

from porting.repository import Repository
from porting.repository.report.words import why_unranked
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError
from profiler.common.target import Price

MS_PER_S = 1e3


def family(repository: Repository, task: str, target: str) -> list[VariantOnTarget]:
    """The frontier of a task on a target in accuracy and throughput, the most accurate first.

    Raises `BadInputError` for an unknown task or target, and where no variant was measured.
    """
    found = [repository.on(published.name, target) for published in repository.frontier(task, target)]
    if not found:
        measured = repository.measured(task, target)
        why = f"is on the frontier of {target} ({why_unranked(measured[0], target)})" if measured else "was measured"
        raise BadInputError(f"no variant of {task} {why}: run 'stage=[profile,publish]' target={target}")
    return found


def price(one: VariantOnTarget, *parts: str) -> Price:
    """The stated price of the target; raises `BadInputError` where a part of it is not stated."""
    found = one.profile.target.price
    missing = [part for part in parts if found is None or getattr(found, part) is None]
    if found is None or missing:
        name = one.profile.target_name
        raise BadInputError(
            f"the target {name} states no {' and no '.join(missing)}: state price: {{currency: …, as_of: …, "
            f"{', '.join(f'{part}: …' for part in missing)}}} in conf/target/{name}.yaml, "
            "then 'stage=[profile,publish]'"
        )
    return found


def check_one_unit(units: Mapping[str, str]) -> None:
    """Raises `BadInputError` where the costs on these targets have different units, as they cannot be added."""
    if len(set(units.values())) > 1:
        listed = ", ".join(f"{target} in {unit}" for target, unit in units.items())
        files = ", ".join(f"conf/target/{target}.yaml" for target in units)
        raise BadInputError(f"costs cannot be compared ({listed}): state price.per_hour in one currency in {files}")
