"""Policies, which decide on deployments in a simulation and on real servers.

`policy` is their common form, and `world` the object of their decisions. `trivial` follows the thesis's `rules`,
`planners` makes policies of the published planners, and `fixed`, `scaling` and `machines` are baselines. A config in
`conf/policy` names a policy with `_target_`: a callable that takes the world and the policy's settings.
"""

from orchestrators.policies.policy import Decision, Policy, Seen, Ways
from orchestrators.policies.world import World

__all__ = ["Decision", "Policy", "Seen", "Ways", "World"]
