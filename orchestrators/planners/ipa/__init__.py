"""IPA (Ghafouri et al., JSys 2024, arXiv 2308.12871): variant, batch and replicas of every stage of a pipeline.

    maximise    α · Acc − β · Σ_s n_s · R_s − δ · Σ_s b_s
    such that   Σ_s (l_s(b_s) + (b_s − 1) / λ) ≤ SLA     a request is through in time
                n_s · h_s(b_s) ≥ λ                       every stage carries the demand
                one variant in each stage, n_s and b_s positive integers

l and h are the latency and the throughput of a replica of the chosen variant with batch b, R its cores. (b − 1) / λ is
the time for which the first request of a batch waits for the last. Acc is the sum of the stages' accuracies (as in the
talk), their mean, or their product. Replicas cost cores and have no other use, so n = ⌈λ / h(b)⌉.

The paper leaves these points open, or its code (github.com/reconfigurable-ml-pipeline/ipa) differs:

* Waiting for a batch. The code sums the wait over all variants and batches of a stage, and uses the binary of each
  batch in place of its size. The sum is a negative constant, which lengthens the deadline. Here the wait is that of the
  chosen batch. `literal=True` takes the code's constant, |variants| · (1 − |batches|) / λ in each stage.
* R, the base allocation: the fewest measured cores on which the variant, in some measured batch, reaches a threshold
  rate within its stage's SLA, which is 5 × the mean over variants of the latency of one input on their fewest cores. A
  variant that reaches it on no measured number of cores is left out. The code continues in the order of accuracy, so
  that no variant gets fewer cores than a less accurate one, and has a factor of 25.
* The deadline defaults to the sum of the stages' SLAs, as in the code.
* The product of accuracies minus costs is not linear. The code enumerates combinations of the first three stages, and
  ignores others; here `product` searches pipelines of any length exactly. Sum and mean are integer programs for HiGHS.
* Accuracies are the measured ones, in 0 to 1. The first version of the code takes ranks from 0 to 1 instead.
* Without demand every stage has one replica and batch 1, as no other batch fills.
* Weights are those of most of the code's configurations: 2, 1 and a millionth.

Of plans with equal objectives (to a billionth) the one with the lowest latency is taken.
"""

from orchestrators.planners.ipa.from_repository import from_repository
from orchestrators.planners.ipa.problem import Plan, Problem, Stage, Variant
from orchestrators.planners.ipa.solve import solve

__all__ = ["Plan", "Problem", "Stage", "Variant", "from_repository", "solve"]
