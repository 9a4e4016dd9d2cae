"""The integer program for HiGHS: one choice of cores for each variant, its quota, and the longest load time."""

from collections.abc import Iterable, Sequence

from orchestrators.planners.inf_adapter.choices import Choices
from orchestrators.solver import Row, minimise


class Program:
    """An integer program under construction."""

    def __init__(self) -> None:
        self.costs: list[float] = []
        self.whole: list[bool] = []
        self.rows: list[Row] = []

    def variable(self, cost: float, whole: bool = False) -> int:
        """Adds a variable between 0 and 1; returns its index."""
        self.costs.append(cost)
        self.whole.append(whole)
        return len(self.costs) - 1


def best(found: Choices, allowed: Sequence[Iterable[int]]) -> dict[str, int] | None:
    """The cores of every used variant by name; `None` where no plan of `allowed` columns meets the demand.

    In shares of the demand: Σ quota = 1, quota_m ≤ Σ_n share_m(n) · x_mn, Σ_n x_mn ≤ 1, Σ n · x_mn ≤ B, and
    longest ≥ load_m · Σ x_mn over the choices that are a change.
    """
    program = Program()
    longest = program.variable(found.gamma)
    budget: dict[int, float] = {}
    demand: dict[int, float] = {}
    picked: dict[int, tuple[str, int]] = {}
    for row, columns in enumerate(allowed):
        if not set(columns) - {0}:
            continue
        quota = program.variable(-float(found.worth[row]))
        carried, loaded = {quota: 1.0}, {longest: -1.0}
        taken: dict[int, float] = {}
        for column in sorted(set(columns) - {0}):
            cores = int(found.cores[row, column])
            x = program.variable(found.price * cores, whole=True)
            picked[x] = found.names[row], cores
            taken[x], budget[x], carried[x] = 1.0, float(cores), -float(found.share[row, column])
            if found.changed[row, column]:
                loaded[x] = float(found.load[row])
        demand[quota] = 1.0
        program.rows += [Row(taken, 0.0 if 0 in columns else 1.0, 1.0), Row(carried, high=0.0), Row(loaded, high=0.0)]
    program.rows += [Row(budget, high=float(found.budget)), Row(demand, low=1.0, high=1.0)]
    solution = minimise(program.costs, program.rows, [1.0] * len(program.costs), program.whole)
    return None if solution is None else {name: cores for x, (name, cores) in picked.items() if solution[x]}
