"""The agent of one server: it observes the server once a second, and replaces networks as the policy decides.

No failure ends the agent. The agent calls a server without an answer again every second, and loads its last networks
again. After a failed load the policy continues from the versions that answer, and the agent repeats the load when the
policy decides for it again. A policy on a running server starts from the versions that answer there.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress

import numpy as np

from orchestrators.live.catalogue import Catalogue
from orchestrators.live.clock import unix_s
from orchestrators.live.driver import Driver, versions
from orchestrators.live.journal import Journal, Second
from orchestrators.live.rotation import Rotation
from orchestrators.live.served_versions import ServedVersions
from orchestrators.live.server import LiveServer
from orchestrators.live.usage import KEPT_S, Demand, Use
from orchestrators.policies.environment import Environment
from orchestrators.policies.policy import Decision, Policy
from profiler.common.errors import DnnPortingError, ServerError


class Agent:
    """The control of one server. `tick` is called once a second and raises no `DnnPortingError`."""

    def __init__(
        self, server: LiveServer, read_use: Callable[[], Use], catalogue: Catalogue, rotation: Rotation,
        journal: Journal, make: Callable[[Environment], Policy],
    ) -> None:  # fmt: skip
        self._server, self._read_use, self._catalogue, self._journal = server, read_use, catalogue, journal
        self._rotation, self._make = rotation, make
        self._served = ServedVersions(server, catalogue, rotation, journal)
        self._demand = Demand(self._served.tasks)
        self._cpu_share: deque[float] = deque(maxlen=KEPT_S)
        self._driver: Driver | None = None
        self._trouble: str | None = None

    def tick(self) -> None:
        """Observes the server, asks the policy, acts, and writes the journal."""
        try:
            use, counts = self._read_use(), self._server.requests()
        except DnnPortingError as error:
            self._served.forget_versions()
            self._leave_rotation(Use(0.0, 1.0), {}, str(error))
            return
        self._rotation.note_use(self._server.endpoint, use)
        demand_rps = self._demand.observe(time.monotonic(), counts)
        try:
            if self._driver is None or self._demand.fell or not counts.keys() >= set(self._served.tasks):
                self._recover(use)
                self._note(use, demand_rps, Decision(rule="wait", reason="every task has a version that answers"))
            else:
                self._decide(self._driver, use, demand_rps)
        except DnnPortingError as error:
            self._leave_rotation(use, demand_rps, str(error))

    @property
    def ready(self) -> bool:
        """Whether every task had a version that answers in the last second."""
        return self._driver is not None

    def _recover(self, use: Use) -> None:
        environment = self._served.environment(use.cores)
        self._served.recover(lambda: Driver(self._make, environment).first())
        self._driver, self._trouble = Driver(self._make, self._served.environment(use.cores)), None
        self._forget_counts()

    def _leave_rotation(self, use: Use, demand_rps: Mapping[str, float], why: str) -> None:
        """Leaves the server out of rotation; the next tick finds the versions that answer again."""
        self._driver = None
        # NGINX may be what failed.
        with suppress(DnnPortingError):
            self._rotation.leave_out(self._server.endpoint)
        self._note(use, demand_rps, Decision(rule="wait", reason=why, notice=why))

    def _decide(self, driver: Driver, use: Use, demand_rps: Mapping[str, float]) -> None:
        self._cpu_share.append(use.share)
        present, wanted = self._served.versions, self._served.versions
        try:
            environment = self._served.environment(use.cores)
            if environment is not driver.environment:
                # Another edition or other cores need a new policy.
                driver = self._driver = Driver(self._make, environment)
            decision = driver.step(self._demand.rates_rps(), np.array(self._cpu_share), present)
            wanted = present | versions(decision)
        except DnnPortingError as error:
            # The server still answers, so it stays in rotation.
            decision = driver.undecided(error)
        self._note(use, demand_rps, decision)
        if wanted != present:
            self._act(driver, wanted, demand_rps)
        elif self._served.any_republished():
            self._act(Driver(self._make, driver.environment), present, demand_rps)

    def _act(self, driver: Driver, wanted: Mapping[str, str], demand_rps: Mapping[str, float]) -> None:
        """Switches, and keeps the driver if every task has a version that answers afterwards."""
        try:
            self._served.follow(wanted, demand_rps)
            self._trouble = None
        except ServerError as error:
            # The next second finds out which versions answer, and puts the server into rotation again.
            self._driver, self._trouble = None, str(error)
            return
        complete = self._served.versions.keys() >= set(self._served.tasks)
        self._driver = driver if complete else None
        self._forget_counts()

    def _forget_counts(self) -> None:
        """Discards the counts of all tasks: a server out of rotation receives no requests, whatever the demand is."""
        for task in self._served.tasks:
            self._demand.forget(task)

    def _note(self, use: Use, demand_rps: Mapping[str, float], decision: Decision) -> None:
        notices = dict.fromkeys(one for one in (decision.notice, self._trouble, self._catalogue.notice) if one)
        self._journal.add(
            Second(
                moment_s=unix_s(),
                server=self._server.endpoint,
                cpu_share=use.share,
                demand_rps=dict(demand_rps),
                versions=dict(self._served.versions),
                rule=decision.rule,
                reason=decision.reason,
                notice="; ".join(notices) or None,
            )
        )
