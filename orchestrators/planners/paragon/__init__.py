"""Paragon: a model and a resource for each class of query, on VMs, with serverless functions for the overflow.

Source: Gunasekaran, Mishra, Thinakaran, Kandemir, Das, "Implications of Public Cloud Resource Heterogeneity for
Inference Serving", WoSC 2020. The paper has observations and no formulas. Literal:

* Model selection (observation 1, section 3.1): two of cost, accuracy and latency are bounded, and the third is
  optimised. With all three bounded the cost is minimised.
* VMs carry constant load, each as much as it answers in time by its profile (observation 2, 3.2.1).
* Serverless functions take the overflow of the VMs, only for classes with a strict latency (3.2.2, 4).
* Functions saved cost on traces whose peak is more than 50 % above the median (observation 4): the threshold is 1.5.
* A function's memory decides its processor and so its latency. The latency profile gives the size that meets the bound
  (observation 5, 3.2.4); the paper shows that more memory costs more.

The formulas are additions of this project. For a class with rates r_t (T equally long samples), a variant, and VMs that
each carry μ within latency d at a price p an hour:

    strict, peak / median <= threshold:  n = ⌈max r / μ⌉ VMs
    strict, otherwise:                   ⌈median r / μ⌉ <= n <= ⌈max r / μ⌉, the cheapest;
        overflow  o(n) = mean_t max(0, r_t − n·μ), answered by functions of memory m (GB) within f(m)
        cost      n·p + 3600 · o(n) · (per_call + m · f(m) · per_gb_s)
        latency   the larger of d and, where o(n) > 0, f(m)
    relaxed:                             n·μ >= mean r, and the overflow waits for the VMs:
        wait      max_t b_t / (n·μ), the backlog b_t = max(0, b_{t−1} + (r_t − n·μ)·step) of the load repeated
        latency   d + wait

f(m) is the measured median latency of one input on m / (GB per core) cores, as Lambda-like providers give processor
time in proportion to memory. d is a deadline and μ the highest Poisson rate that meets it, queueing included.

Choices of this project for open points: each class has its own VMs, and its functions run the same model. A kind of VM
is a target. Time is billed without steps. Functions are warm, unless `cold` adds their start-up to f(m). The caller
handles the start-up of VMs. Of equal choices cost decides, then accuracy, latency, names, fewer VMs, and fewer GB.
"""

from orchestrators.planners.paragon.from_repository import from_repository
from orchestrators.planners.paragon.load import two_levels
from orchestrators.planners.paragon.problem import Choice, Function, Plan, Problem, QueryClass, Serverless, Variant, Vm
from orchestrators.planners.paragon.solve import solve

__all__ = [
    "Choice", "Function", "Plan", "Problem", "QueryClass", "Serverless", "Variant", "Vm",
    "from_repository", "solve", "two_levels",
]  # fmt: skip
