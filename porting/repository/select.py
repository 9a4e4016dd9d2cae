"""The selection of one variant under conditions, and the conditions that the other variants miss."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from porting.repository.figures import compared_by, metric, rank_value
from porting.repository.operating_points import Condition, OperatingPoint, operating_points
from porting.repository.reader import Repository
from profiler.common.errors import BadInputError

MISSES = 3


@dataclass(frozen=True)
class Miss:
    """An operating point that was not chosen: the conditions that it misses, with its figure or the reason for none."""

    point: OperatingPoint
    lacks: tuple[str, ...]
    distance: float


@dataclass(frozen=True)
class Selection:
    """The best operating point that meets every condition, or `None`, and the nearest miss of the other variants.

    Where no point fits, `relaxed` lists by how much a single condition must be relaxed, the smallest change first.
    """

    chosen: OperatingPoint | None
    misses: tuple[Miss, ...]
    relaxed: tuple[str, ...]


def select(
    repository: Repository,
    conditions: Sequence[Condition],
    objective: str = "accuracy",
    task: str | None = None,
    target: str | None = None,
) -> Selection:
    """The operating point with the best `objective` among those that meet every condition by their point values.

    Throughput decides between equal objectives, then latency. A point with an unknown figure does not meet a condition
    on it, and a disturbed figure has no rank. On one target the ratios to the reference network compare. Raises
    `BadInputError` for an unknown objective, task or target, for several tasks where none is named, and where every
    objective was disturbed.
    """
    metric(objective)
    if task is None and len(repository.tasks) != 1:
        raise BadInputError(f"name a task with --task: choices are {', '.join(repository.tasks)}")
    task, targets = task or repository.tasks[0], repository.targets if target is None else [target]
    points = [point for one in targets for point in operating_points(repository, task, one)]
    best_first = sorted(points, key=lambda one: rank(one, objective, by_ratio=len(targets) == 1), reverse=True)
    chosen = next((one for one in best_first if all(met(one, each) for each in conditions)), None)
    others = [one for one in best_first if chosen is None or one.variant.name != chosen.variant.name]
    check_ranked(chosen, objective)
    compared = compared_by(objective) if len(targets) == 1 else objective
    misses = nearest(others, conditions, objective, compared)
    relaxed = () if chosen else tuple(text for _, text in sorted(relaxations(points, conditions)))
    return Selection(chosen, misses, relaxed)


def met(point: OperatingPoint, condition: Condition) -> bool:
    """Whether the known value of an operating point meets a condition."""
    found = point.value(condition.name)
    return found is not None and condition.met_by(found)


def rank(point: OperatingPoint, objective: str, by_ratio: bool = False) -> tuple[float, ...]:
    """The sort key of an operating point: higher is better, and an unknown or disturbed figure comes last.

    `by_ratio` compares by the ratios to the reference network, which have a meaning on one target only.
    """
    names = (objective, "images_per_s", "p50_ms")
    known = [name if compared_by(name) in point.figures else compared_by(name) for name in names]
    return tuple(rank_value(compared_by(name) if by_ratio else name, point.figures) for name in known)


def lack(point: OperatingPoint, condition: Condition) -> tuple[float, str] | None:
    """The distance of an operating point from a condition, and its text; `None` where the condition is met."""
    found = point.value(condition.name)
    if found is None:
        return float("inf"), f"{condition}: unknown, {point.unknown.get(condition.name, 'not measured')}"
    off = condition.lack(found)
    return (off, f"{condition}: has {found:.4g}, {off:.1%} off") if off else None


def check_ranked(chosen: OperatingPoint | None, objective: str) -> None:
    """Raises `BadInputError` where the best point has a disturbed objective, as no other point has a better one."""
    if chosen is not None and is_disturbed(chosen, objective):
        raise BadInputError(
            f"every {objective} that meets the conditions was disturbed, and no variant of {chosen.variant.task} is on "
            f"the frontier of {chosen.target}: run 'stage=[profile,publish]' on a quiet machine"
        )


def nearest(
    others: Iterable[OperatingPoint], conditions: Sequence[Condition], objective: str, compared: str
) -> tuple[Miss, ...]:
    """The misses of the variants that are nearest to all conditions, the nearest first; `others` are best first.

    A variant that meets every condition is worse in `compared`, by which the objective is compared.
    """
    best: dict[str, Miss] = {}
    for point in others:
        found = [one for one in (lack(point, each) for each in conditions) if one is not None]
        words = tuple(text for _, text in found) or (why_worse(point, objective, compared),)
        miss = Miss(point, words, max((off for off, _ in found), default=0.0))
        if point.variant.name not in best or miss.distance < best[point.variant.name].distance:
            best[point.variant.name] = miss
    return tuple(sorted(best.values(), key=lambda miss: miss.distance)[:MISSES])


def why_worse(point: OperatingPoint, objective: str, compared: str) -> str:
    """Why a point that meets every condition is not chosen."""
    lacking = is_disturbed(point, objective)
    return f"meets every condition, with {f'a disturbed {objective}' if lacking else f'a worse {compared}'}"


def is_disturbed(point: OperatingPoint, name: str) -> bool:
    """Whether a figure is known and compares with nothing."""
    return name in point.figures and compared_by(name) not in point.figures


def relaxations(points: Sequence[OperatingPoint], conditions: Sequence[Condition]) -> list[tuple[float, str]]:
    """The least change of each single condition that lets a point fit, as a share of its limit."""
    found = []
    for condition in conditions:
        rest = [each for each in conditions if each is not condition]
        possible = [one for one in points if all(met(one, each) for each in rest)]
        values = [known for one in possible if (known := one.value(condition.name)) is not None]
        if values:
            nearest_value = min(values, key=condition.lack)
            share = condition.lack(nearest_value)
            found.append((share, f"{condition} to {condition.relaxed_to(nearest_value)}, by {share:.1%}"))
    return found
