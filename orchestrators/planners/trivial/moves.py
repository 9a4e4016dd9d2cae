"""Where the trivial policy moves along its chain: down, up, or to a better allocation of the same cost."""

from collections.abc import Iterable

from orchestrators.planners.trivial.chain import Allocation
from orchestrators.planners.trivial.growth import growth
from orchestrators.planners.trivial.settings import Settings
from orchestrators.planners.trivial.state import Decision
from orchestrators.planners.trivial.view import ROUNDING, View


def down(view: View, settings: Settings) -> Decision:
    """To at most `1 − reduction` of the metric, or as low as there is; from the lowest nowhere, with a notice."""
    reason = f"mean CPU use {view.mean:.1%} is above {settings.down_above:.0%}"
    lowest, enough = view.chain[-1], (1 - settings.reduction) * view.present.metric
    if found := first_within(view.chain, enough):
        return Decision(rule="down", reason=reason, versions=view.after(found))
    if lowest.metric < view.present.metric:
        reason = f"{reason}; no versions save {settings.reduction:.0%}, the smallest save the most"
        return Decision(rule="down", reason=reason, versions=view.after(lowest))
    notice = f"{reason} and no smaller versions are left: lower the demand, or add cores or a server"
    return Decision(rule="hold", reason="the smallest versions answer", notice=notice)


def up(view: View, settings: Settings) -> Decision:
    """To more of the metric where the CPU has room, else as `better`."""
    reason = f"maximal CPU use {view.most:.1%} is below {settings.up_below:.0%}"
    if view.metric != "inverse_throughput":
        dearer = [one for one in view.better() if one.metric > view.present.metric * ROUNDING]
        smallest = dearer[-1] if dearer else None
        return Decision(rule="up", reason=reason, versions=view.after(smallest)) if smallest else better(view)
    room = growth(view.mean, view.most, view.present.metric, settings)
    limit = room.multiplier * view.present.metric
    found = next((one for one in view.better() if one.metric < limit), None)
    grown = Decision(rule="up", reason=reason, versions=view.after(found)) if found else better(view)
    return grown.model_copy(update={"notice": room.notice, "multiplier": room.multiplier})


def better(view: View) -> Decision:
    """To the best allocation with no more of the metric, where that is more accurate under the present demand."""
    found = first_within(view.better(), view.present.metric)
    if found is None:
        return Decision(rule="hold", reason="no better allocation fits")
    return Decision(rule="better", reason="more accurate under this demand at no more cost", versions=view.after(found))


def first_within(allocations: Iterable[Allocation], metric: float) -> Allocation | None:
    """The first with at most so much of the metric."""
    return next((one for one in allocations if one.metric <= metric * ROUNDING), None)
