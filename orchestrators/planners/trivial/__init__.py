"""The trivial policy: one version per task, from an allocation chain that trades accuracy for resource use.

Source: DNN-porting for maximizing inference hardware utilisation at the edge (TU Delft, 2023), section 4.4. Task t has
demand d_t (requests/s); its version v has accuracy a(v), over that of the task's best â(v), and a metric m(v) per
request: FLOPs, latency, or 1/throughput, of which Σ d_t·m(v_t) is the expected CPU use as a share of the cores.

* **Chain** (`chain`): from the most accurate version of every task, one version down at a time, in the task that loses
  least â per metric saved, the metric times demand.
* **Plan** (`solve`): the first allocation of the chain whose expected CPU use is within `cpu_limit`.
* **Online** (`orchestrators.policies.rules`): when to move along the chain, from CPU use and demand by second.

Literal (`literal=True`): the metric is multiplied by the demand but the accuracy is not. So a busy task steps down
first, however many requests get a worse answer, although the thesis's own figures count requests. Only the next version
is considered, so a version that saves little hides better ones below it while another task can still step.

Corrected (the default): accuracy is weighted by the task's share of the demand, Σ (d_t / Σ d)·â(v_t), so that demand is
a factor of both axes of a slope and cancels. A task is judged by its best slope to any of its lower versions. Every
allocation whose versions all lie on the concave hulls of their fronts is then the most accurate of all with no more
metric (the greedy solution of the multiple-choice knapsack). A plan may miss the best allocation by less than one step
between hulls: an exact knapsack would move many tasks at once for a small gain. On concave fronts with equal demands
both chains are equal.

In both, of equal slopes the step that saves most comes first, then the first task. Versions that cost no less than a
more accurate one are left out. A task without demand saves nothing and keeps its most accurate version.
"""

from orchestrators.planners.trivial.chain import Allocation, allocation, chain, solve
from orchestrators.planners.trivial.from_repository import from_repository
from orchestrators.planners.trivial.problem import Plan, Problem, Task, Version

__all__ = [
    "Allocation", "Plan", "Problem", "Task", "Version", "allocation", "chain", "from_repository", "solve",
]  # fmt: skip
