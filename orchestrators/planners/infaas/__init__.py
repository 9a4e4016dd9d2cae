"""INFaaS: a variant for each query, and an autoscaler that replicates, upgrades or downgrades.

Source: Romero, Li, Yadwadkar, Kozyrakis, "INFaaS: Automated Model-less Inference Serving", USENIX ATC 2021, sections
4.1 (Algorithm 1) and 4.2; the slides of the talk; what the published code does where the paper is silent. A variant
here is a network on a target with a number of cores and a largest batch, as the paper's differ in hardware and batch.

The query (`choose`): a task, an accuracy of at least A, an answer within L ms. Of the variants with accuracy >= A and
inference latency <= L those come first that are loaded and not overloaded; only without any is one loaded.

* Literal (`literal=True`): among the loaded ones the paper says nothing, and the code takes the one whose latency
  comes closest to L; among the others the one with the least load latency + inference latency.
* Default, ours: among the loaded ones the least cost per request (cost of an instance / its saturation throughput),
  since whoever asks is served in time by each of them; among the others the cheapest whose load latency + inference
  latency is within L too, and, where that is true of none, the one with the least of it, said to be late.

An overloaded variant would need another instance, so it is treated as one that is not loaded. That a variant is
slowed by its neighbours (the paper's state Interfered) is for whoever watches it: leave such a variant out.

The autoscaler. For each task i (the paper's model architecture) with load λ_i and bounds A_i and L_i, and variant j of
cost C, load latency T, saturation throughput Q and N running instances, δ are loaded (δ > 0) or unloaded (δ < 0):

    min   Σ_ij C_ij · (N_ij + δ_ij + λ · T_ij · max(δ_ij, 0))
    (1)   Σ_j Q_ij · (N_ij + δ_ij) >= slack · λ_i       the load is met
    (2)   accuracy_ij >= A_i, latency_ij <= L_i         for all that count in (1), and where δ_ij > 0
    (3)   Σ_ij R_ij · (N_ij + δ_ij) <= R                for each resource of each target: cores, and memory if bounded
    (4)   N_ij + δ_ij >= 0, whole

* Literal: (1), (3), (4), the weight λ in 1/s, and that loading is priced as hardware is. The paper minimises the cost
  of δ alone; ours adds Σ C·N, which is the same for every plan. The slides' plain sum, C·(N + δ) + λ·T·max(δ, 0), is
  `load_priced=False`.
* C is the share of the target's price that the instance's cores cost, or those cores where no price is stated; the
  paper estimates it by memory.
* Open in the paper, ours: (2) binds only what is newly loaded there, and running instances count whatever their
  latency; here an instance that breaks a bound carries nothing. (3) sums over a target's machines, in both: how
  instances are packed on machines is not in the program, and neither is that an old instance runs until the new one is
  loaded. λ has no value: 1/60 says that a plan stands for a minute. A batch is as slow as a full one, the time to fill
  it is left out. Each task has one pair of bounds; a demand with others is another task.
* Equal optima: the least Σ of places in `variants` over the instances, so few instances and of the first variants;
  beyond that, HiGHS' own first, the same for the same problem.

The heuristic (`greedy`): the program took the authors' solver too long, so a greedy step decides for each task.
Where the load is not met, replicate a running variant or upgrade to one of higher throughput; where it is, remove one
instance or downgrade to a cheaper variant; whichever is feasible and costs least. Literal: these moves, one at a time.
Ours: how many (as few as meet the load), that an upgrade or downgrade replaces all instances of one variant (the code
adds beside them and lets the old ones starve), that tasks which scale down go first. The paper waits T before it scales
down; that, and the new worker that it asks for where nothing fits, belong to the loop around it.
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
