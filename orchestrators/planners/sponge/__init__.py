"""Sponge (Razavi et al., EuroMLSys 2024, arXiv 2404.00704): how many cores one model gets, in place, and what batch.

    minimise    c + δ · b
    such that   l(b, c) + q_r + cl_max ≤ σ · remaining_r     for every request r
                h(b, c) ≥ λ
                c, b positive integers

l(b, c) is the time of a full batch, h(b, c) = b / l(b, c) the throughput of one instance that runs a batch after the
other, λ the demand, and σ an optional safety factor (1 unless given; the published code has 0.9). δ keeps batches small
where cores are equal.

What the paper leaves open, and what is done here:

* q_r. Requests are served by deadline, so the request at place k of that order (from 0) has ⌊k / b⌋ batches before its
  own: q_r = ⌊k / b⌋ · l(b, c). The last batch counts as a full one. What already runs when the plan is made delays all
  alike: whoever plans then takes it off every remaining deadline.
* cl_max, the highest communication latency, stands beside a deadline that is the same for all: the service level
  objective (SLO). The paper's remaining deadline of a request, its SLO less its own communication latency, has that
  latency in it already, and a cl_max beside it would count it twice. So `cl_max_ms` is 0 here and each request has its
  own; `literal=True` gives every request the whole SLO and cl_max beside it, as if all had the slowest network.
* δ has no value. The published search takes the fewest cores and then the smallest batch, which is any δ below
  1 / (largest batch − 1); 0.01 here.
* R, the requests planned for. The published code takes a second's demand, its SLO being about as long, for waiting all
  at once. Without a queue given, `from_repository` takes what arrives within one SLO: where every request is in time,
  no more are there. That code has no h ≥ λ: with such a queue it follows.
* l(b, c) is a median here. The share that may be later is what the safety factor is for.

Two integers of a few dozen values each: `solve` looks at every pair in the order of cost, which is exact, and no solver
is needed. Serving by deadline is optimal too: batches take equally long, so that swapping two requests whose less
urgent one is served first never makes the latest answer later against its deadline.
"""

from orchestrators.planners.sponge.from_repository import from_repository
from orchestrators.planners.sponge.network import communication_ms, remaining_ms
from orchestrators.planners.sponge.problem import Plan, Problem
from orchestrators.planners.sponge.solve import solve

__all__ = ["Plan", "Problem", "communication_ms", "from_repository", "remaining_ms", "solve"]
