"""Sponge (Razavi et al., EuroMLSys 2024, arXiv 2404.00704): the cores and the batch of one model, scaled in place.

    minimise    c + δ · b
    such that   l(b, c) + q_r + cl_max ≤ σ · remaining_r     for every request r
                h(b, c) ≥ λ
                c, b positive integers

l(b, c) is the time of a full batch, h(b, c) = b / l(b, c) the throughput of one instance that runs batches without
pause, λ the demand, and σ an optional safety factor (1 by default; 0.9 in the published code). δ keeps batches small
where cores are equal.

The paper leaves these points open:

* q_r. Requests are served by deadline, so the request at index k of that order has ⌊k / b⌋ batches before its own:
  q_r = ⌊k / b⌋ · l(b, c). The last batch counts as a full one. A batch that already runs delays all requests: the
  caller subtracts its remaining time from every remaining deadline.
* cl_max, the highest communication latency, belongs to a deadline that is equal for all requests, the service level
  objective (SLO). The paper's remaining deadline of a request, its SLO minus its own communication latency, already
  includes that latency. So `cl_max_ms` is 0 here, and each request has its own latency. `literal=True` gives every
  request the whole SLO and cl_max, as if all had the slowest network.
* δ has no value. The published search takes the fewest cores and then the smallest batch, which is any δ below
  1 / (largest batch − 1); 0.01 here.
* R, the requests of the plan. The published code takes the demand of one second, about its SLO, as waiting at once.
  Without a given queue `from_repository` takes the requests that arrive within one SLO: if every request is in time,
  no more can wait. The published code has no h ≥ λ, which follows from such a queue.
* l(b, c) is a median here. The safety factor is for requests that take longer.

`solve` tries every pair of the two integers in the order of cost, which is exact without a solver. Serving by deadline
is optimal too: batches take equally long, so an exchange of two requests of which the less urgent one is served first
never increases the largest delay.
"""

from orchestrators.planners.sponge.communication import communication_ms, remaining_ms
from orchestrators.planners.sponge.from_repository import from_repository
from orchestrators.planners.sponge.problem import Plan, Problem
from orchestrators.planners.sponge.solve import solve

__all__ = ["Plan", "Problem", "communication_ms", "from_repository", "remaining_ms", "solve"]
