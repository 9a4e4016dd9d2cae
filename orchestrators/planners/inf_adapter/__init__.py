"""InfAdapter (Salmani et al. 2023, arXiv 2304.10892): a set of variants, each with its cores and its quota.

    maximise    α · AA − (β · RC + γ · LC)
    such that   Σ th_m(n_m) ≥ λ                  the demand is carried
                λ_m ≤ th_m(n_m), Σ λ_m = λ       each variant is given no more than it carries
                p_m(n_m) ≤ L                     where n_m > 0: it meets the deadline
                Σ n_m ≤ B,  n_m = 0 or n_m ≥ the least cores of a variant

AA = Σ λ_m · accuracy_m / λ, the accuracy that a request meets, in 0 to 1. RC = Σ n_m / B, the share of cores in use. LC
is the longest load time among the variants that hold cores and whose number of cores changed, over the longest of all
variants: what holds no cores any more need not be loaded.

What the paper leaves open or its code (github.com/reconfigurable-ml-pipeline/InfAdapter) does otherwise, and what is
done here:

* The terms are shares, as in the code: in the talk RC stands in the objective and in RC ≤ B as well. The weights are
  the code's, which calls 0.05 and 0.001 alpha and beta and gives accuracy none.
* The deadline is asked only of variants that hold cores, and through the capacity: th_m(n) is the rate that was seen to
  be in time on n cores, and 0 where nothing was. The paper's constraint speaks of every variant.
* Capacities are what was measured on so many cores. The code has a line through them, times 0.8, rounded down.
* λ_m goes to the most accurate first (equal ones by name). The code writes that as minima with further integers; none
  are needed: λ_m in any division within the constraints, the objective alone drives it to the most accurate, since
  α ≥ 0, and AA is linear.
* The code orders variants by their depth and looks accuracies up in the order of another table; here it is accuracy.
* Without demand nothing is served: no cores, and AA counts as 0.
* A variant's least cores are 1 unless given; the code's are 2.

Plans whose objectives differ by less than a billionth of α + β + γ count as equal: the one with the fewest cores is
taken, and what is equal still is told apart by accuracy and name. The order of `variants` decides nothing.

HiGHS alone takes up to a second for 20 variants × 48 cores: very many plans are nearly as good as the best. So `search`
strikes out first what no better plan chooses, by Lagrangian bounds, down to one plan. HiGHS solves the integer program
over what is left, and so holds it against every row above; the tests compare it with HiGHS alone and with enumeration.
"""

from orchestrators.planners.inf_adapter.from_repository import from_repository
from orchestrators.planners.inf_adapter.problem import Plan, Problem, Variant
from orchestrators.planners.inf_adapter.solve import solve

__all__ = ["Plan", "Problem", "Variant", "from_repository", "solve"]
