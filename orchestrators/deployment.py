"""The deployments of a plan: the variants that run, their replicas, cores and batches, and their load."""

from pydantic import Field

from profiler.common.errors import DnnPortingError
from profiler.records.base import Value


class Deployment(Value):
    """One variant in a plan: equal `replicas`, each with `cores` and batches of up to `batch` inputs.

    `rate_rps` is the demand of all its replicas together, in requests/s.
    """

    task: str
    variant: str
    replicas: int = Field(default=1, ge=1)
    cores: float = Field(gt=0)
    batch: int = Field(default=1, ge=1)
    rate_rps: float = Field(ge=0)


class Infeasible(DnnPortingError):  # noqa: N818
    """No plan meets every constraint; the message names the binding one, by how much it binds, and a fix."""
