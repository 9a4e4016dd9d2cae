"""Policies, which decide on deployments in a simulation and on real servers.

`policy` is their common form, and `environment` the object of their decisions. `trivial` follows the thesis's `rules`,
`planners` makes policies of the published planners, and `fixed`, `scaling` and `machines` are baselines. A config in
`conf/policy` names a policy with `_target_`: a callable that takes the environment and the policy's settings.
"""

from orchestrators.policies.environment import Environment
from orchestrators.policies.policy import Decision, Mechanism, Observation, Policy

__all__ = ["Decision", "Environment", "Mechanism", "Observation", "Policy"]
