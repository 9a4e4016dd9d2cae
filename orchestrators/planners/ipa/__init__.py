"""IPA (Ghafouri et al., JSys 2024, arXiv 2308.12871): variant, batch and replicas of every stage of a pipeline.

    maximise    α · Acc − β · Σ_s n_s · R_s − δ · Σ_s b_s
    such that   Σ_s (l_s(b_s) + (b_s − 1) / λ) ≤ SLA     a request is through in time
                n_s · h_s(b_s) ≥ λ                       every stage carries the demand
                one variant in each stage, n_s and b_s positive integers

l and h are the latency and the throughput of a replica of the chosen variant with batch b, R its cores. (b − 1) / λ is
how long the first request of a batch waits for the last. Acc is the sum of the stages' accuracies, as in the talk,
their mean, or their product. As replicas cost cores and nothing else asks for more of them, n = ⌈λ / h(b)⌉.

What the paper leaves open or its code (github.com/reconfigurable-ml-pipeline/ipa) does otherwise, and what is done:

* Waiting for a batch. The code sums the wait over all variants and batches of a stage, each time of the binary that
  marks a batch as chosen instead of the batch: a constant, and a negative one, which lengthens the deadline. Here it is
  that of the chosen batch. `literal=True` takes the code's constant, |variants| · (1 − |batches|) / λ in each stage.
* R, the base allocation: the fewest measured cores on which the variant, in some measured batch, reaches a threshold
  rate within its stage's SLA, which is 5 × the mean over variants of the latency of one input on their fewest cores. A
  variant that does so on no measured number of cores is left out. The code goes on from there in the order of accuracy,
  so that no variant gets fewer cores than a less accurate one, and arrives at a factor of 25.
* Without a deadline given, it is the sum of the stages' SLAs, as in the code.
* The product is not linear beside costs. The code enumerates combinations of the first three stages, and leaves others
  out; here `product` searches, exactly, pipelines of any length. Sum and mean are integer programs for HiGHS.
* Accuracies are those measured, in 0 to 1. The code's first version takes ranks in place of them, from 0 to 1.
* Without demand every stage has one replica, and batch 1: no other ever fills.
* Weights are those of most of the code's configurations: 2, 1 and a millionth.

Of plans with equal objectives (to a billionth) the one that a request passes most quickly is taken.
"""

from orchestrators.planners.ipa.from_repository import from_repository
from orchestrators.planners.ipa.problem import Plan, Problem, Stage, Variant
from orchestrators.planners.ipa.solve import solve

__all__ = ["Plan", "Problem", "Stage", "Variant", "from_repository", "solve"]
