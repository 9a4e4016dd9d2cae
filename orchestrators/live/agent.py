"""One server under the policy: looked at once a second, and where the policy says so, networks are replaced.

It goes on whatever happens. A server that does not answer is tried again every second, and gets back what answered
before. A load that failed leaves the policy with the versions that do answer: it is tried again when the policy decides
for it again. Who begins on a server takes what answers there for granted.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from orchestrators.live.answering import Answering
from orchestrators.live.catalogue import Catalogue
from orchestrators.live.clock import unix_s
from orchestrators.live.demand import Demand
from orchestrators.live.journal import Journal, Second
from orchestrators.live.policy import Policy
from orchestrators.live.rotation import Rotation
from orchestrators.live.server import LiveServer
from orchestrators.live.usage import Use
from orchestrators.planners.trivial import Decision, State
from profiler.common.errors import DnnPortingError, ServerError


class Looks(Protocol):
    """A `Usage`."""

    def look(self) -> Use: ...


class Agent:
    """Drives one server; whoever calls `tick` once a second needs to catch nothing."""

    def __init__(
        self, server: LiveServer, usage: Looks, catalogue: Catalogue, rotation: Rotation, journal: Journal,
        policy: Policy,
    ) -> None:  # fmt: skip
        self._server, self._usage, self._catalogue, self._journal = server, usage, catalogue, journal
        self._rotation, self._policy = rotation, policy
        self._answering = Answering(server, catalogue, rotation, journal)
        self._demand = Demand(self._answering.tasks)
        self._state: State | None = None
        self._trouble: str | None = None

    def tick(self) -> None:
        """Looks, decides, acts, and writes it down."""
        try:
            use, counts = self._usage.look(), self._server.requests()
        except DnnPortingError as error:
            self._answering.lost()
            self._stand_back(Use(0.0, 1.0), {}, str(error))
            return
        self._rotation.saw(self._server.endpoint, use)
        came = self._demand.look(time.monotonic(), counts)
        try:
            if self._state is None or self._demand.fell or not counts.keys() >= set(self._answering.tasks):
                self._recover(use)
                self._note(use, came, Decision(rule="wait", reason="every task has a version that answers"))
            else:
                self._decide(self._state, use, came)
        except DnnPortingError as error:
            self._stand_back(use, came, str(error))

    @property
    def ready(self) -> bool:
        """Whether every task has a version that answers, as far as the last look told."""
        return self._state is not None

    def _recover(self, use: Use) -> None:
        self._answering.recover(lambda: self._policy.first(self._answering.offer(use.cores)))
        self._state, self._trouble = State(versions=self._answering.versions), None
        self._forget_counts()

    def _stand_back(self, use: Use, came: Mapping[str, float], why: str) -> None:
        """What answers is looked for anew in the next second; until then others get the requests, if there are any."""
        self._state = None
        # Where it is NGINX that is gone, nothing can be told to it.
        with suppress(DnnPortingError):
            self._rotation.leave_out(self._server.endpoint)
        self._note(use, came, Decision(rule="wait", reason=why, notice=why))

    def _decide(self, state: State, use: Use, came: Mapping[str, float]) -> None:
        offer = self._answering.offer(use.cores)
        # A server with more cores than the versions were measured on uses them beside each other at most.
        share = min(1.0, use.share * use.cores / min(use.cores, offer.problem.cores))
        try:
            self._state, decision = self._policy.step(offer, state, share, self._demand.seen())
        except DnnPortingError as error:
            # Who cannot decide is no reason to take a server out that answers.
            decision = Decision(rule="hold", reason=str(error), notice=str(error))
        self._note(use, came, decision)
        if decision.versions is not None:
            self._act(decision.versions, came)
        elif self._answering.renewed():
            self._act(self._answering.versions, came)

    def _act(self, versions: Mapping[str, str], came: Mapping[str, float]) -> None:
        try:
            self._answering.follow(versions, came)
            self._trouble = None
        except ServerError as error:
            # What answers, and whether the server is in rotation again, the next second finds out.
            self._state, self._trouble = None, str(error)
            return
        known = self._answering.versions.keys() >= set(self._answering.tasks)
        self._state = State(versions=self._answering.versions) if known else None
        self._forget_counts()

    def _forget_counts(self) -> None:
        """Who was out of rotation had no requests, of any task, which is no lack of demand."""
        for task in self._answering.tasks:
            self._demand.replaced(task)

    def _note(self, use: Use, came: Mapping[str, float], decision: Decision) -> None:
        notices = dict.fromkeys(one for one in (decision.notice, self._trouble, self._catalogue.notice) if one)
        self._journal.add(
            Second(
                moment_s=unix_s(),
                server=self._server.endpoint,
                cpu_share=use.share,
                demand_rps=dict(came),
                versions=dict(self._answering.versions),
                rule=decision.rule,
                reason=decision.reason,
                notice="; ".join(notices) or None,
            )
        )
