"""The agent of one server: it observes the server once a second, and replaces networks as the policy decides.

No failure ends the agent. It tries a server that does not answer again every second, and loads its last networks again.
After a failed load the policy continues from the versions that answer; the agent repeats the load when the policy
decides for it again. A policy that begins on a server starts from the versions that answer there.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

import numpy as np

from orchestrators.live.catalogue import Catalogue
from orchestrators.live.clock import unix_s
from orchestrators.live.driver import Driver, versions
from orchestrators.live.journal import Journal, Second
from orchestrators.live.rotation import Rotation
from orchestrators.live.seen_demand import KEPT_S, Demand
from orchestrators.live.served_versions import ServedVersions
from orchestrators.live.server import LiveServer
from orchestrators.live.usage import Use
from orchestrators.policies.environment import Environment
from orchestrators.policies.policy import Decision, Policy
from profiler.common.errors import DnnPortingError, ServerError


class Looks(Protocol):
    """The part of `Usage` that an agent needs."""

    def look(self) -> Use:
        """What the server uses of its cores; raises `DnnPortingError` where that is unknown."""


class Agent:
    """Drives one server. `tick` is called once a second and raises no `DnnPortingError`."""

    def __init__(
        self, server: LiveServer, usage: Looks, catalogue: Catalogue, rotation: Rotation, journal: Journal,
        make: Callable[[Environment], Policy],
    ) -> None:  # fmt: skip
        self._server, self._usage, self._catalogue, self._journal = server, usage, catalogue, journal
        self._rotation, self._make = rotation, make
        self._served = ServedVersions(server, catalogue, rotation, journal)
        self._demand = Demand(self._served.tasks)
        self._cpu_share: deque[float] = deque(maxlen=KEPT_S)
        self._driver: Driver | None = None
        self._trouble: str | None = None

    def tick(self) -> None:
        """Observes the server, asks the policy, acts, and writes the journal."""
        try:
            use, counts = self._usage.look(), self._server.requests()
        except DnnPortingError as error:
            self._served.lost()
            self._stand_back(Use(0.0, 1.0), {}, str(error))
            return
        self._rotation.saw(self._server.endpoint, use)
        came = self._demand.look(time.monotonic(), counts)
        try:
            if self._driver is None or self._demand.fell or not counts.keys() >= set(self._served.tasks):
                self._recover(use)
                self._note(use, came, Decision(rule="wait", reason="every task has a version that answers"))
            else:
                self._decide(self._driver, use, came)
        except DnnPortingError as error:
            self._stand_back(use, came, str(error))

    @property
    def ready(self) -> bool:
        """Whether every task had a version that answers in the last second."""
        return self._driver is not None

    def _recover(self, use: Use) -> None:
        environment = self._served.environment(use.cores)
        self._served.recover(lambda: Driver(self._make, environment).first())
        self._driver, self._trouble = Driver(self._make, self._served.environment(use.cores)), None
        self._forget_counts()

    def _stand_back(self, use: Use, came: Mapping[str, float], why: str) -> None:
        """Leaves the server out of rotation; the next second looks again for the versions that answer."""
        self._driver = None
        # NGINX may be what failed.
        with suppress(DnnPortingError):
            self._rotation.leave_out(self._server.endpoint)
        self._note(use, came, Decision(rule="wait", reason=why, notice=why))

    def _decide(self, driver: Driver, use: Use, came: Mapping[str, float]) -> None:
        self._cpu_share.append(use.share)
        present, wanted = self._served.versions, self._served.versions
        try:
            environment = self._served.environment(use.cores)
            if environment is not driver.environment:
                # Another edition or other cores need a new policy.
                driver = self._driver = Driver(self._make, environment)
            decision = driver.step(self._demand.seen(), np.array(self._cpu_share), present)
            wanted = present | versions(decision)
        except DnnPortingError as error:
            # The server still answers, so it stays in rotation.
            decision = driver.undecided(error)
        self._note(use, came, decision)
        if wanted != present:
            self._act(driver, wanted, came)
        elif self._served.renewed():
            self._act(Driver(self._make, driver.environment), present, came)

    def _act(self, driver: Driver, wanted: Mapping[str, str], came: Mapping[str, float]) -> None:
        """Switches, and keeps the driver if every task has a version that answers afterwards."""
        try:
            self._served.follow(wanted, came)
            self._trouble = None
        except ServerError as error:
            # The next second finds out which versions answer, and puts the server into rotation again.
            self._driver, self._trouble = None, str(error)
            return
        known = self._served.versions.keys() >= set(self._served.tasks)
        self._driver = driver if known else None
        self._forget_counts()

    def _forget_counts(self) -> None:
        """Discards the counts of all tasks: a server out of rotation receives no requests, whatever the demand is."""
        for task in self._served.tasks:
            self._demand.replaced(task)

    def _note(self, use: Use, came: Mapping[str, float], decision: Decision) -> None:
        notices = dict.fromkeys(one for one in (decision.notice, self._trouble, self._catalogue.notice) if one)
        self._journal.add(
            Second(
                moment_s=unix_s(),
                server=self._server.endpoint,
                cpu_share=use.share,
                demand_rps=dict(came),
                versions=dict(self._served.versions),
                rule=decision.rule,
                reason=decision.reason,
                notice="; ".join(notices) or None,
            )
        )
