"""The moves of the trivial policy along its chain: down, up, or to a better allocation of the same cost."""

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrators.planners.trivial.chain import Allocation
from orchestrators.policies.rules.state import ROUNDING, Move, Settings, View


def down(view: View, settings: Settings) -> Move:
    """A move to at most `1 − reduction` of the metric, or to the lowest; from the lowest none, with a notice."""
    reason = f"mean CPU use {view.mean:.1%} is above {settings.down_above:.0%}"
    lowest, enough = view.chain[-1], (1 - settings.reduction) * view.present.metric
    if found := first_within(view.chain, enough):
        return Move(rule="down", reason=reason, versions=view.after(found))
    if lowest.metric < view.present.metric:
        reason = f"{reason}; no versions save {settings.reduction:.0%}, the smallest save the most"
        return Move(rule="down", reason=reason, versions=view.after(lowest))
    notice = f"{reason} and no smaller versions are left: lower the demand, or add cores or a server"
    return Move(rule="hold", reason="the smallest versions answer", notice=notice)


def up(view: View, settings: Settings) -> Move:
    """A move to more of the metric within the free CPU, else as `better`."""
    reason = f"maximal CPU use {view.most:.1%} is below {settings.up_below:.0%}"
    if view.metric != "inverse_throughput":
        dearer = [one for one in view.better() if one.metric > view.present.metric * ROUNDING]
        smallest = dearer[-1] if dearer else None
        return Move(rule="up", reason=reason, versions=view.after(smallest)) if smallest else better(view)
    room = growth(view.mean, view.most, view.present.metric, settings)
    limit = room.multiplier * view.present.metric
    found = next((one for one in view.better() if one.metric < limit), None)
    grown = Move(rule="up", reason=reason, versions=view.after(found)) if found else better(view)
    return grown.model_copy(update={"notice": room.notice, "multiplier": room.multiplier})


def better(view: View) -> Move:
    """A move to the best allocation with no more of the metric, if it is more accurate under the present demand."""
    found = first_within(view.better(), view.present.metric)
    if found is None:
        return Move(rule="hold", reason="no better allocation fits")
    return Move(rule="better", reason="more accurate under this demand at no more cost", versions=view.after(found))


def first_within(allocations: Iterable[Allocation], metric: float) -> Allocation | None:
    """The first allocation with at most this metric."""
    return next((one for one in allocations if one.metric <= metric * ROUNDING), None)


@dataclass(frozen=True)
class Growth:
    """The multiplier of the present metric, and a notice for an administrator."""

    multiplier: float
    notice: str | None


def growth(mean: float, most: float, theoretical: float, settings: Settings) -> Growth:
    """The multiplier from the measured CPU use (`mean`, `most`) and the one that 1/throughput predicts (above 0).

    It is `goal / most`, or `goal / (theory_limit × theoretical)` where that limit is lower: use above the limit is not
    that of the models, or their metric is wrong. A measured use of 0 is taken for an error, and the limit counts.
    """
    limit = settings.theory_limit * theoretical
    multiplier = settings.goal / (min(most, limit) if most > 0 else limit)
    foreseen = f"the versions' throughputs foresee {theoretical:.1%} of CPU use at this demand"
    if most == 0:
        return Growth(multiplier, f"{foreseen} and none is seen: check how it is watched")
    if mean > limit:
        return Growth(
            multiplier,
            f"{foreseen} and {mean:.1%} are seen: something else uses the cores, or the profile does not hold; look "
            "for other work, or profile the versions again",
        )
    return Growth(multiplier, None)
