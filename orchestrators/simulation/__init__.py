"""Simulation of policies on a published frontier: discrete events for every request, rates for a large fleet.

    schedule -> pool (which station) -> station (queue, batch, server) -> answers -> result
    every interval: demand and CPU so far -> policy -> deployments -> pool (loads while others answer)

`station` is the event core, `pool` has a task's servers and their changes, `cluster` the box that they share, `run`
the loop. A policy of `orchestrators.policies` decides, as on real servers. `fluid` has rates instead of requests; its
tests compare it with the events on a few servers.
"""

from orchestrators.simulation.fleet import FleetResult, FleetSettings, fleet
from orchestrators.simulation.ladder import Ladder, Rung
from orchestrators.simulation.result import Result
from orchestrators.simulation.run import Box, Settings, simulate

__all__ = [
    "Box", "FleetResult", "FleetSettings", "Ladder", "Result", "Rung", "Settings", "fleet", "simulate",
]  # fmt: skip
