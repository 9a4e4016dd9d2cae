"""What every plan comes down to: which variants run, how many, with what, and what each is given to do."""

from pydantic import Field

from profiler.records.base import Value


class Deployment(Value):
    """One variant as a plan runs it: `replicas` alike, each with `cores` and batches of up to `batch` inputs.

    `rate_rps` is the demand that all its replicas together are given, in requests/s.
    """

    task: str
    variant: str
    replicas: int = Field(default=1, ge=1)
    cores: float = Field(gt=0)
    batch: int = Field(default=1, ge=1)
    rate_rps: float = Field(ge=0)
