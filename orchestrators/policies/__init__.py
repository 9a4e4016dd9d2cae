"""Policies: what decides, in a simulation and on real servers alike.

`policy` is the form that all of them have, `world` what they decide over. `trivial` follows the thesis's `rules`,
`planners` makes policies of the published planners, and `fixed`, `scaling` and `machines` are what they are compared
with. A config of `conf/policy` names one with `_target_`: a callable that takes the world and the policy's settings.
"""

from orchestrators.policies.policy import Decision, Policy, Seen, Ways
from orchestrators.policies.world import World

__all__ = ["Decision", "Policy", "Seen", "Ways", "World"]
