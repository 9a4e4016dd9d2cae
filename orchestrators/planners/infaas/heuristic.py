"""The autoscaler's greedy heuristic: for each task the least costly of a few moves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from orchestrators.deployment import Infeasible
from orchestrators.planners.common import ROUNDING, servers
from orchestrators.planners.infaas.planned import planned
from orchestrators.planners.infaas.problem import Demand, Plan, Problem, Variant
from orchestrators.planners.infaas.solve import able, bounds

Move = dict[str, int]


def greedy(problem: Problem) -> Plan:
    """The plan one step from the running instances; of equal costs the move that changes the fewest instances.

    Raises `Infeasible` where no single move meets a load within the limits.
    """
    able(problem)
    counts = {one.key: one.running for one in problem.variants}
    for demand in sorted(problem.demands, key=lambda one: State(problem, one, counts).short_rps > 0):
        state = State(problem, demand, counts)
        rising = state.short_rps > 0
        moves = sorted(scaling_up(state) if rising else scaling_down(state), key=state.rank)
        move = next((one for one in moves if state.fits(one)), None)
        if rising and move is None:
            raise Infeasible(why_not(state, moves[0]))
        if move is not None and (rising or state.cost(move) < 0):
            counts = {key: count + move.get(key, 0) for key, count in counts.items()}
    whole = State(problem, problem.demands[0], counts)
    for share, (limit, part) in zip(whole.shares({}), bounds(problem), strict=True):
        if share > 1 + ROUNDING:
            there = getattr(limit, part)
            raise Infeasible(
                f"running instances take {share * there:.4g} {part} of {limit.target}, which has {there:.4g}"
            )
    return planned(problem, counts)


@dataclass(frozen=True)
class State:
    """A task to scale, with the present `counts` of instances of all variants."""

    problem: Problem
    demand: Demand
    counts: Mapping[str, int]

    @cached_property
    def variants(self) -> dict[str, Variant]:
        """All variants by key."""
        return {one.key: one for one in self.problem.variants}

    @cached_property
    def present(self) -> dict[str, Variant]:
        """The task's variants that run."""
        return {key: one for key, one in self.variants.items() if one.task == self.demand.task and self.counts[key] > 0}

    @cached_property
    def able(self) -> dict[str, Variant]:
        """The variants that meet the demand's bounds."""
        return {key: one for key, one in self.variants.items() if self.problem.serves(one, self.demand)}

    @cached_property
    def short_rps(self) -> float:
        """The missing part of the needed capacity; negative for an excess."""
        need = self.problem.need_rps(self.demand)
        short = need - sum(map(self.carries, self.able))
        return 0.0 if abs(short) <= ROUNDING * need else short

    @cached_property
    def present_shares(self) -> list[float]:
        """The used share of each limited resource."""
        return added([0.0] * len(bounds(self.problem)), self, self.counts)

    def carries(self, key: str) -> float:
        """The rate that all present instances of a variant carry."""
        return self.counts[key] * self.variants[key].rate_rps if key in self.able else 0.0

    def cost(self, move: Move) -> float:
        """The paper's Cost(δ)."""
        variants, load_cost = self.variants, self.problem.load_cost
        return sum(variants[key].cost * n + load_cost(variants[key]) * max(n, 0) for key, n in move.items())

    def rank(self, move: Move) -> tuple[float, int, list[tuple[str, int]]]:
        """The order of moves: cost, changed instances, names."""
        return self.cost(move), sum(map(abs, move.values())), sorted(move.items())

    def shares(self, move: Move) -> list[float]:
        """The used share of each limited resource after the move."""
        return added(self.present_shares, self, move)

    def fits(self, move: Move) -> bool:
        """Whether the limits hold after the move; a limit that is exceeded already may not be exceeded more."""
        pairs = zip(self.present_shares, self.shares(move), strict=True)
        return all(new <= max(1.0, old) + ROUNDING for old, new in pairs)


def added(shares: Sequence[float], state: State, counts: Mapping[str, int]) -> list[float]:
    """The used shares with `counts` more instances."""
    found = list(shares)
    for place, (limit, part) in enumerate(bounds(state.problem)):
        for key, n in counts.items():
            if state.variants[key].target == limit.target:
                found[place] += n * getattr(state.variants[key], part) / getattr(limit, part)
    return found


def scaling_up(state: State) -> Iterator[Move]:
    """The moves that replicate a running variant or replace it by a faster one; without a running one, all loads."""
    serving = {key: one for key, one in state.present.items() if key in state.able}
    for key, one in (serving or state.able).items():
        yield {key: servers(state.short_rps, one.rate_rps)}
    for old, new, move in replacements(state):
        if old not in state.able or state.able[new].rate_rps > state.able[old].rate_rps:
            yield move


def scaling_down(state: State) -> Iterator[Move]:
    """The moves that remove one instance where the others carry the load, or replace a variant by a cheaper one."""
    for key, one in state.present.items():
        if key not in state.able or state.short_rps + one.rate_rps <= ROUNDING * one.rate_rps:
            yield {key: -1}
    for old, new, move in replacements(state):
        if state.able[new].cost < state.present[old].cost:
            yield move


def replacements(state: State) -> Iterator[tuple[str, str, Move]]:
    """The moves that replace all instances of one variant by the fewest of another that meet the load."""
    for old in state.present:
        for new, one in state.able.items():
            count = max(0, servers(state.short_rps + state.carries(old), one.rate_rps))
            if new != old and count:
                yield old, new, {old: -state.counts[old], new: count}


def why_not(state: State, cheapest: Move) -> str:
    """The message with the cheapest move and the limit that it exceeds most."""
    shares = zip(state.shares(cheapest), bounds(state.problem), strict=True)
    share, (limit, part) = max(shares, key=lambda pair: pair[0])
    there, need = getattr(limit, part), state.problem.need_rps(state.demand)
    return (
        f"no single step carries {need:.4g} inputs/s of {state.demand.task}: the cheapest takes {share * there:.4g} "
        f"{part} of {limit.target}, which has {there:.4g}; raise the limit, or let solve() mix variants"
    )
