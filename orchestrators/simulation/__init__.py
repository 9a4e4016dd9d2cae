"""Policies on a published frontier without a server: discrete events for every request, rates for a large fleet.

    schedule -> pool (which station) -> station (queue, batch, server) -> answers -> result
    every interval: demand and CPU so far -> policy -> deployments -> pool (loads beside what answers)

`station` is the event core, `pool` a task's servers and their changes, `cluster` the box that they share, `run` the
loop. What decides is a policy of `orchestrators.policies`, as on real servers. `fluid` knows no requests, and is held
against the events on a slice.
"""

from orchestrators.simulation.fleet import FleetResult, FleetSettings, fleet
from orchestrators.simulation.ladder import Ladder, Rung
from orchestrators.simulation.result import Result
from orchestrators.simulation.run import Box, Settings, simulate

__all__ = [
    "Box", "FleetResult", "FleetSettings", "Ladder", "Result", "Rung", "Settings", "fleet", "simulate",
]  # fmt: skip
