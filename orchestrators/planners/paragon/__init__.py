"""Paragon: a model and a resource for each class of query, on VMs and, for what overflows, serverless functions.

Source: Gunasekaran, Mishra, Thinakaran, Kandemir, Das, "Implications of Public Cloud Resource Heterogeneity for
Inference Serving", WoSC 2020. The paper has observations and no formulas. Literal:

* Model selection (observation 1, section 3.1): two of cost, accuracy and latency are bounded, the third is as good as
  it can be. With all three bounded it is the cost that is least.
* VMs carry constant load, each as much as profiling shows that it answers in time (observation 2, 3.2.1).
* Serverless functions take what the VMs have no room for, and only of classes whose latency is strict (3.2.2, 4).
* Whether they pay off shows in the load's peak-to-median ratio (observation 4): at traces where the peak is more than
  50 % above the median they did, so the threshold is 1.5.
* A function's memory decides its processor and so its latency; the size is taken from the latency profile so that the
  bound is met (observation 5, 3.2.4), and the paper shows that more memory costs more.

The formulas are ours. For a class with rates r_t (T equally long samples), a variant, and VMs that each carry μ within
latency d at a price p an hour:

    strict, peak / median <= threshold:  n = ⌈max r / μ⌉ VMs
    strict, otherwise:                   ⌈median r / μ⌉ <= n <= ⌈max r / μ⌉, as costs least;
        overflow  o(n) = mean_t max(0, r_t − n·μ), answered by functions of memory m (GB) within f(m)
        cost      n·p + 3600 · o(n) · (per_call + m · f(m) · per_gb_s)
        latency   the larger of d and, where o(n) > 0, f(m)
    relaxed:                             n·μ >= mean r, and what overflows waits for the VMs:
        wait      max_t b_t / (n·μ), the backlog b_t = max(0, b_{t−1} + (r_t − n·μ)·step) of the load repeated
        latency   d + wait

f(m) is the measured median latency of one input on m / (GB per core) cores, as Lambda-like providers give processor
time in proportion to memory. d is a deadline and μ the highest Poisson rate in time for it, so queueing is in it.

Left open by the paper, ours: each class has VMs of its own, and its functions run the same model; a VM kind is a
target; time is billed without a step; functions are warm, unless `cold` adds their start-up to f(m); a plan holds once
its VMs are up, whose start-up is for the loop around it. Of equal choices cost, then accuracy, then latency, then names
and the smaller numbers of VMs and of GB decide.
"""

from orchestrators.planners.paragon.from_repository import from_repository
from orchestrators.planners.paragon.load import two_levels
from orchestrators.planners.paragon.problem import Choice, Function, Plan, Problem, QueryClass, Serverless, Variant, Vm
from orchestrators.planners.paragon.solve import solve

__all__ = [
    "Choice", "Function", "Plan", "Problem", "QueryClass", "Serverless", "Variant", "Vm",
    "from_repository", "solve", "two_levels",
]  # fmt: skip
