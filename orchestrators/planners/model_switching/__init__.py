"""Model-Switching: the version with the best answers in time, under the present load.

Source: Zhang et al., Model-Switching: Dealing with Fluctuating Workloads in Machine-Learning-as-a-Service Systems
(HotCloud 2020). A version m of accuracy a(m) that answers the share p(m, λ, D) of requests within the deadline D at a
load of λ has an effective accuracy, the mean over all requests where a late answer counts as 0:

    choose  argmax over m of  a(m) · p(m, λ, D)

Of equal versions the one with the larger share in time is chosen, which has more room for load, then the first one.

p comes from an open-loop sweep of Poisson arrivals (`LoadPoint`: batch 1, the target's own resources, rates as
offered). Between measured loads it is interpolated. Beyond them a safe value counts:

* Below the lowest load, the share at the lowest load: with fewer arrivals in a first-come, first-served queue no
  request waits longer.
* Above the highest load, 0: a full sweep ends above the maximal throughput, where the queue grows without limit and the
  share in time tends to 0.
* At a load with an unstable queue, 0 as well (corrected): in such a trial only the requests before the queue was long
  are in time, and their share shrinks with the length of the trial. `literal=True` takes the measured share.

The shares in time and the percentiles of the latency at one load are points of one distribution over deadlines, which
is interpolated. Percentiles are needed because a profile's deadlines are multiples of each version's own latency, so
that versions have no deadline in common. Beyond the longest point its share counts. Before the shortest point the share
counts as 0, if that point has at most half of the answers or if one request alone takes as long as the deadline;
otherwise `BadInputError` states the measured deadlines.

The paper has one task on a machine. Here several tasks may share the cores, each with a guaranteed share s (`share`) on
which everything takes 1/s as long: p_s(m, λ, D) = p(m, λ/s, s·D). This is a safe value where the cores are divided
evenly among the tasks that need them: no request leaves later than with that share alone (Parekh and Gallager, A
Generalized Processor Sharing Approach to Flow Control in Integrated Services Networks, IEEE/ACM Transactions on
Networking 1, 1993).
"""

from orchestrators.planners.model_switching.from_repository import from_repository
from orchestrators.planners.model_switching.problem import Load, Plan, Problem, Variant, solve

__all__ = ["Load", "Plan", "Problem", "Variant", "from_repository", "solve"]
