"""InfAdapter (Salmani et al. 2023, arXiv 2304.10892): a set of variants, each with its cores and quota.

    maximise    α · AA − (β · RC + γ · LC)
    such that   Σ th_m(n_m) ≥ λ                  the demand is carried
                λ_m ≤ th_m(n_m), Σ λ_m = λ       no variant gets more than it carries
                p_m(n_m) ≤ L                     where n_m > 0: it meets the deadline
                Σ n_m ≤ B,  n_m = 0 or n_m ≥ the least cores of a variant

AA = Σ λ_m · accuracy_m / λ is the mean accuracy of a request, in 0 to 1. RC = Σ n_m / B is the share of used cores. LC
is the longest load time of the variants with cores whose number of cores changed, over the longest of all variants: a
variant that loses all cores is not loaded.

The paper leaves these points open, or its code (github.com/reconfigurable-ml-pipeline/InfAdapter) differs:

* The terms are shares, as in the code; in the talk RC is in the objective and in RC ≤ B. The weights are the code's,
  which calls 0.05 and 0.001 alpha and beta, and has no weight of accuracy.
* The paper's deadline is a constraint on every variant. Here it applies to variants with cores: th_m(n) is the rate
  that is in time on n cores, and 0 without any.
* Capacities are measured for each number of cores. The code has a line through them, times 0.8, rounded down.
* The most accurate variant gets its λ_m first (equal ones by name). The code writes this as minima with further
  integers. α ≥ 0 and AA is linear, so the objective alone prefers the most accurate variants.
* Variants are ordered by accuracy; the code orders them by depth and reads accuracies in the order of another table.
* Without demand no variant has cores, and AA counts as 0. A variant's least cores are 1 unless given; the code's are 2.

Plans whose objectives differ by less than a billionth of α + β + γ count as equal. Of equal plans the one with the
fewest cores is taken, then accuracy and name decide. The order of `variants` has no influence.

HiGHS alone takes up to a second for 20 variants × 48 cores, because very many plans are nearly as good as the best. So
`search` first removes all choices that no better plan makes, by Lagrangian bounds, until one plan is left. HiGHS solves
the integer program over that plan, and so verifies every constraint above. The tests compare the result with HiGHS
alone and with enumeration.
"""

from orchestrators.planners.inf_adapter.from_repository import from_repository
from orchestrators.planners.inf_adapter.problem import Plan, Problem, Variant
from orchestrators.planners.inf_adapter.solve import solve

__all__ = ["Plan", "Problem", "Variant", "from_repository", "solve"]
