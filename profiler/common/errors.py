"""The exceptions of the project.

    DnnPortingError              the work failed                                    exit code 1
    ├── DivergedError            the loss of a training is NaN or infinite          exit code 1
    ├── ServerError              the inference server died, hung or answered wrong  exit code 1
    └── BadInputError            an input of the user cannot be used                exit code 2
        ├── UnavailableError     this machine or server cannot do it                exit code 2
        ├── ModelError           a model file is truncated, foreign or unfit        exit code 2
        └── ServerNotFoundError  no inference server is installed or reachable      exit code 2

Every message names the bad value, the valid ones and the fix, on one line.
"""


class DnnPortingError(Exception):
    """The work failed; results that were finished before are kept."""

    exit_code = 1


class ServerError(DnnPortingError):
    """The inference server did not start, stopped answering, or answered wrongly."""


class BadInputError(DnnPortingError):
    """A value, file or name from the user cannot be used."""

    exit_code = 2


class UnavailableError(BadInputError):
    """This machine or server cannot measure a point, for any model; the point stays missing and measuring goes on."""


class ModelError(BadInputError):
    """A model file cannot be read, or does not meet the needs of serving."""


class ServerNotFoundError(BadInputError):
    """There is no inference server to measure on."""


class DivergedError(DnnPortingError):
    """The loss of a training is NaN or infinite, so more training would not help."""
