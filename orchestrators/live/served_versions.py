"""The networks that answer on one server: which they are, how they are restored, and how they are replaced."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from orchestrators.live.catalogue import Catalogue, Network
from orchestrators.live.clock import unix_s
from orchestrators.live.journal import Journal, Switched
from orchestrators.live.rotation import Rotation
from orchestrators.live.server import LiveServer
from orchestrators.policies.environment import Environment
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError, DnnPortingError, ServerError


@dataclass(frozen=True)
class LastNetwork:
    """The network that last answered for a task: its figures, its ONNX file's sha256, and its files.

    `network` is `None` where the repository does not have the files.
    """

    version: VariantOnTarget
    digest: str
    network: Network | None


# The figures and the files of a network that can be loaded.
Ready = tuple[VariantOnTarget, Network]


class ServedVersions:
    """The versions of the repository that answer on a server: `versions`, by task.

    No network is unloaded: the last one answers until another one replaces it.
    """

    def __init__(self, server: LiveServer, catalogue: Catalogue, rotation: Rotation, journal: Journal) -> None:
        self._server, self._catalogue, self._rotation, self._journal = server, catalogue, rotation, journal
        self.tasks = catalogue.environment.tasks
        self.versions: dict[str, str] = {}
        self._last: dict[str, LastNetwork] = {}
        self._compared: Environment | None = None
        self._offered: Environment | None = None
        self._attempts = dict.fromkeys(self.tasks, 0)

    def environment(self, cores: float) -> Environment:
        """The versions of the repository now and those that still answer, on this number of cores.

        The result is the same object until one of these changes.
        """
        published = self._catalogue.environment
        families = {task: tuple(self._figures(task).values()) for task in published.tasks}
        found = replace(published, families=families, cores=cores)
        if self._offered is None or differs(found, self._offered):
            self._offered = found
        return self._offered

    def forget_versions(self) -> None:
        """Forgets the versions and the failed attempts of a server that does not answer."""
        self.versions = {}
        self._attempts = dict.fromkeys(self.tasks, 0)

    def recover(self, first: Callable[[], Mapping[str, str]]) -> None:
        """Finds the versions that answer, and loads one for each task without: the last one, or that of `first`.

        A call tries one version of each task; where it does not load, the next call tries another one. Raises
        `ServerError` while a task has no version, and the server stays out of rotation.
        """
        with self._rotation.without(self._server.endpoint):
            self._adopt(self._server.serving())
            for task in self.tasks:
                if task not in self.versions:
                    self._try_one(task, first()[task])
            if missing := [task for task in self.tasks if task not in self.versions]:
                raise ServerError(f"{self._server.endpoint} has no version of {', '.join(missing)} that answers yet")

    def follow(self, wanted: Mapping[str, str], demand_rps: Mapping[str, float]) -> None:
        """Loads the wanted versions that differ; the journal has the reason for each that failed.

        The version that relieves the server most comes first, because a load slows the networks that answer.
        Raises `ServerError` where the server cannot be taken out of rotation or put back, and where its versions are
        unknown after a failed load.
        """
        changes = [task for task in self.tasks if wanted[task] != self.versions[task] or self._republished(task)]
        # Files are read first, to keep the server out of rotation for a shorter time.
        ready = {task: one for task in changes if (one := self._read(task, wanted[task]))}
        added_cores = {
            task: demand_rps[task] * (1 / speed(version) - 1 / speed(self._last[task].version))
            for task, (version, _) in ready.items()
        }
        with self._rotation.without(self._server.endpoint):
            for task in sorted(ready, key=added_cores.__getitem__):
                self._switch(task, *ready[task])

    def any_republished(self) -> bool:
        """Whether a version that answers was published again with another file; true once for each edition."""
        if self._catalogue.environment is self._compared:
            return False
        self._compared = self._catalogue.environment
        return any(map(self._republished, self.tasks))

    def _republished(self, task: str) -> bool:
        published = self._catalogue.digest(self.versions[task])
        return published not in (None, self._last[task].digest)

    def _figures(self, task: str) -> dict[str, VariantOnTarget]:
        """The versions of a task by name: the offered ones, and the last one if it answers."""
        found = {version.name: version for version in self._catalogue.environment.families[task]}
        last = self._last.get(task)
        if last is not None and last.version.name == self.versions.get(task, last.version.name):
            found.setdefault(last.version.name, last.version)
        return found

    def _adopt(self, serving: Mapping[str, str]) -> None:
        """Notes the versions that answer and whose figures are known; others answer until they are replaced."""
        self.versions = {}
        for task in self.tasks:
            version = self._figures(task).get(serving.get(task, ""))
            if version is None:
                continue
            self.versions[task], digest = version.name, self._server.digest(task)
            last = self._last.get(task)
            if last is None or (last.version.name, last.digest) != (version.name, digest):
                self._last[task] = LastNetwork(version, digest, self._files(task, version.name, digest))

    def _files(self, task: str, variant: str, digest: str) -> Network | None:
        """The files of a network; `None` where the repository has them no more."""
        try:
            network = self._catalogue.network(task, variant)
        except DnnPortingError:
            return None
        return network if network.digest == digest else None

    def _try_one(self, task: str, first: str) -> None:
        offered = self._figures(task)
        last = [self._last[task].version.name] if task in self._last else []
        # After the last and the first version, the fastest ones.
        others = sorted(offered, key=lambda name: -speed(offered[name]))
        candidates = list(dict.fromkeys([*last, first, *others]))
        ready = self._read(task, candidates[self._attempts[task] % len(candidates)])
        loaded = ready is not None and self._switch(task, *ready)
        self._attempts[task] = 0 if loaded else self._attempts[task] + 1

    def _read(self, task: str, variant: str) -> Ready | None:
        """A version from the repository, or as it answered last; `None`, with a line in the journal, without both."""
        began_s, last = unix_s(), self._last.get(task)
        version = self._figures(task).get(variant)
        try:
            if version is None:
                raise BadInputError(f"{variant}: the repository as it is now does not offer it")
            return version, self._catalogue.network(task, variant)
        except DnnPortingError as error:
            if last is not None and last.network is not None and last.version.name == variant:
                return last.version, last.network
            self._note(task, variant, began_s, str(error))
            return None

    def _switch(self, task: str, version: VariantOnTarget, network: Network) -> bool:
        began_s = unix_s()
        try:
            self._server.switch(task, network)
        except ServerError as error:
            self._note(task, version.name, began_s, str(error))
            # A load that exceeded its time limit may still have succeeded.
            self._adopt(self._server.serving())
            return self.versions.get(task) == version.name
        self._note(task, version.name, began_s)
        self.versions[task], self._last[task] = version.name, LastNetwork(version, network.digest, network)
        return True

    def _note(self, task: str, after: str, began_s: float, error: str | None = None) -> None:
        self._journal.add(
            Switched(
                server=self._server.endpoint,
                task=task,
                before=self.versions.get(task),
                after=after,
                began_s=began_s,
                ended_s=unix_s(),
                error=error,
            )
        )


def differs(one: Environment, other: Environment) -> bool:
    """Whether the edition, the versions or the cores differ."""
    names = [
        [version.name for found in environment.families.values() for version in found] for environment in (one, other)
    ]
    return one.repository is not other.repository or one.cores != other.cores or names[0] != names[1]


def speed(version: VariantOnTarget) -> float:
    """Images/s on the target's own cores of single requests, or in the smallest measured batch where that is larger."""
    profile = version.profile
    batch = min((point.batch for point in profile.own(profile.max_throughput)), default=1)
    cores = profile.target.cores
    return version.single_rps(cores) if batch == 1 else version.images_per_s(batch, cores)
