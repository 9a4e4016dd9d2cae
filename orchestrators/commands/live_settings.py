"""The settings of a live run in `conf/orchestrate.yaml`."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from orchestrators.commands.prepared import made
from orchestrators.live.driver import Driver
from orchestrators.load import Load
from orchestrators.policies.environment import Environment
from orchestrators.policies.policy import Policy
from porting.configuration.components import Component
from porting.repository import Repository
from profiler.common.errors import BadInputError


class Proxy(BaseModel):
    """The NGINX in front of the servers, and its files."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    endpoint: str
    servers_file: Path
    pid_file: Path


class Settings(BaseModel):
    """The content of `conf/orchestrate.yaml`, with target and tasks filled in."""

    model_config = ConfigDict(frozen=True)
    repository: str
    public_key: Path | None
    target_name: str
    tasks: list[str] = Field(min_length=1)
    servers: list[str]
    cores: int = Field(ge=1)
    grpc_port: int | None = Field(ge=1024, le=65535)
    nginx: Proxy | None
    policies: dict[str, Component] = Field(min_length=1)
    deadline_ms: float = Field(gt=0)
    load: Load | None
    output: Path

    @property
    def policy_name(self) -> str:
        """The name of the policy that the servers follow."""
        return next(iter(self.policies))

    def environment(self, repository: Repository) -> Environment:
        """The environment of one server; raises `DnnPortingError` for a figure that the policy needs and lacks."""
        servers = max(1, len(self.servers))
        demands = {} if self.load is None else self.load.demands(self.tasks)
        mean_rps = dict.fromkeys(self.tasks, 0.0) | {task: float(one.mean()) / servers for task, one in demands.items()}
        found = Environment.of(repository, self.target_name, mean_rps, self.deadline_ms)
        # The first decision shows whether a figure is missing.
        Driver(self.policy, found).first()
        return found

    def policy(self, environment: Environment) -> Policy:
        """The policy for one server; raises `BadInputError` for one that only a simulation can follow."""
        found = made(self.policies[self.policy_name], environment)
        if why := found.mechanism.only_simulated:
            raise BadInputError(
                f"policy={self.policy_name} {why}, which is only simulated: choose trivial, model_switching, smallest, "
                "largest, or one of your own"
            )
        return found
