"""Model-Switching: the version that answers best in time, under the load that there is.

Source: Zhang et al., Model-Switching: Dealing with Fluctuating Workloads in Machine-Learning-as-a-Service Systems
(HotCloud 2020). A version m of accuracy a(m) that answers the share p(m, λ, D) of requests within the deadline D at a
load of λ has an effective accuracy, that over all requests where a late answer is worth nothing:

    choose  argmax over m of  a(m) · p(m, λ, D)

Of equals the version with the larger share in time, which bears a rising load best, then the one given first.

p comes from an open-loop sweep of Poisson arrivals (`LoadPoint`: batch 1, the target's own resources, rates at the
machine's normal speed). Between measured loads it is interpolated. Beyond them stands what is sure:

* Below the lowest load the share at that one: taking arrivals from a first-come, first-served queue makes nobody wait
  longer, so that the share can only be larger.
* Above the highest load 0: the share can only be smaller there, and a full sweep ends above the maximal throughput,
  where the queue grows without end and the share in time tends to 0.
* At a load whose queue was exploding 0 as well (corrected): what such a trial saw in time are the requests before the
  queue was long, a share that shrinks the longer one looks. `literal=True` takes the share as it was measured.

Over deadlines the shares in time and the percentiles of the latency at one load are points of one distribution, which
is interpolated. Percentiles count because a profile's deadlines are multiples of each version's own latency, so that
versions have none in common. Beyond the longest point at least its share is in time. Before the shortest none counts,
where that has half of the answers or fewer or where one request alone takes as long; else `BadInputError` says what was
measured.

The paper has one task on a machine. Of several on the same cores each is judged by a share s of them that the others
leave it whatever they do (`share`, ours), on which everything takes 1/s as long: p_s(m, λ, D) = p(m, λ/s, s·D). Where
the cores are divided evenly among those who want them that is sure as well: no request leaves later than it would from
that share alone (Parekh and Gallager, A Generalized Processor Sharing Approach to Flow Control in Integrated Services
Networks, IEEE/ACM Transactions on Networking 1, 1993).
"""

from orchestrators.planners.model_switching.from_repository import from_repository
from orchestrators.planners.model_switching.problem import Load, Plan, Problem, Variant
from orchestrators.planners.model_switching.solve import solve

__all__ = ["Load", "Plan", "Problem", "Variant", "from_repository", "solve"]
