"""INFaaS: a variant for each query, and an autoscaler that replicates, upgrades or downgrades.

Source: Romero, Li, Yadwadkar, Kozyrakis, "INFaaS: Automated Model-less Inference Serving", USENIX ATC 2021, sections
4.1 (Algorithm 1) and 4.2; the slides of the talk; the published code for points that the paper leaves open. A variant
is a network on a target with a number of cores and a largest batch.

`choose` answers a query: a task, an accuracy of at least A, an answer within L ms. Of the variants with accuracy >= A
and inference latency <= L the loaded ones without overload come first. An overloaded variant needs another instance, so
it counts as not loaded. The caller leaves out variants with interference (the paper's state Interfered).

* Literal (`literal=True`): of the loaded variants the one whose latency is closest to L, as in the code (the paper has
  no rule); of the others the one with the lowest load latency + inference latency.
* Default, a rule of this project: of the loaded variants the one with the lowest cost per request (cost of an instance
  / its saturation throughput); of the others the cheapest whose load latency + inference latency is within L. Without
  such a variant, the one with the lowest sum is chosen and marked late.

`solve` is the autoscaler. For each task i (the paper's model architecture) with load λ_i and bounds A_i and L_i, and
variant j of cost C, load latency T, saturation throughput Q and N running instances, δ are loaded (δ > 0) or unloaded
(δ < 0):

    min   Σ_ij C_ij · (N_ij + δ_ij + λ · T_ij · max(δ_ij, 0))
    (1)   Σ_j Q_ij · (N_ij + δ_ij) >= slack · λ_i       the load is met
    (2)   accuracy_ij >= A_i, latency_ij <= L_i         for all that count in (1), and where δ_ij > 0
    (3)   Σ_ij R_ij · (N_ij + δ_ij) <= R                for each resource of each target: cores, and memory if bounded
    (4)   N_ij + δ_ij >= 0, whole

* Literal: (1), (3), (4), the weight λ in 1/s, and the price of loading, which is that of hardware. The paper minimises
  the cost of δ alone; here Σ C·N is added, a constant. `load_priced=False` is the plain sum of the slides,
  C·(N + δ) + λ·T·max(δ, 0).
* C is the price of the instance's cores as a share of the target's price, or the number of those cores without a
  price; the paper estimates it by memory.
* Open in the paper: (2) binds only newly loaded instances there; here no instance that breaks a bound counts in (1).
  (3) sums over a target's machines in both, without the packing of instances on machines and without the time in which
  an old instance runs beside the new one. λ has no value: 1/60 means that a plan holds for a minute. Every batch takes
  the time of a full one, without the time to fill it. A demand with other bounds is another task.
* Of equal optima: the one with the least sum of the variants' positions in `variants`, then the first one of HiGHS.

`greedy` is the authors' heuristic, as their solver took too long for the program. If the load of a task is not met, the
heuristic replicates a running variant or upgrades to one of higher throughput. Otherwise it removes one instance or
downgrades to a cheaper variant. Of the feasible moves it takes the cheapest. These moves, one at a time, are literal.
This project adds: as few instances as meet the load, a replacement of all instances of a variant at once (the code adds
new ones and lets the old ones idle), and tasks that scale down come first. The paper waits T before it scales down, and
requests a new worker where no move fits; both belong to the caller's loop.
"""

from orchestrators.planners.infaas.from_repository import from_repository, variants
from orchestrators.planners.infaas.heuristic import greedy
from orchestrators.planners.infaas.problem import Demand, Limit, Plan, Problem, Scaling, Variant
from orchestrators.planners.infaas.selection import Choice, Query, choose
from orchestrators.planners.infaas.solve import solve

__all__ = [
    "Choice", "Demand", "Limit", "Plan", "Problem", "Query", "Scaling", "Variant",
    "choose", "from_repository", "greedy", "solve", "variants",
]  # fmt: skip
