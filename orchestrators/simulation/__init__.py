"""Policies on a published frontier without a server: discrete events for every request, rates for a large fleet.

    schedule -> pool (which station) -> station (queue, batch, server) -> answers -> result
    every interval: demand and CPU so far -> policy -> deployments -> pool (loads beside what answers)

`station` is the event core, `variant` what the metadata say of a variant, `pool` a task's servers and their changes,
`cluster` the box that they share, `run` the loop. `planned` makes a policy of any planner; `baselines` and `machines`
are what the papers compare with. `fluid` knows no requests, and is held against the events on a slice.
"""

from orchestrators.simulation.policy import Policy, Seen, Ways
from orchestrators.simulation.result import Result
from orchestrators.simulation.run import Box, Settings, simulate
from orchestrators.simulation.variant import Variant, catalogue

__all__ = ["Box", "Policy", "Result", "Seen", "Settings", "Variant", "Ways", "catalogue", "simulate"]
