"""What can go wrong, as few exceptions as the command line needs.

    DnnPortingError            the work failed                                  exit code 1
    ├── DivergedError          the loss of a training is no number any more     exit code 1
    ├── ServerError            the inference server died, hung or lied          exit code 1
    └── BadInputError          something the user gave cannot be used           exit code 2
        ├── UnavailableError   this machine or server cannot do it          exit code 2
        ├── ModelError         a model file is truncated, foreign or unfit      exit code 2
        └── ServerNotFoundError  no inference server is installed or reachable  exit code 2

Every message names the bad value, the valid ones and the fix, on one line.
"""


class DnnPortingError(Exception):
    """The work failed; what was finished before it is kept."""

    exit_code = 1


class ServerError(DnnPortingError):
    """The inference server did not start, stopped answering, or answered wrongly."""


class BadInputError(DnnPortingError):
    """A value, file or name from the user cannot be used."""

    exit_code = 2


class UnavailableError(BadInputError):
    """What a point needs is not to be had here, whoever asks: it stays missing, and nothing else suffers."""


class ModelError(BadInputError):
    """A model file cannot be read, or does not meet what serving needs."""


class ServerNotFoundError(BadInputError):
    """There is no inference server to measure on."""


class DivergedError(DnnPortingError):
    """The loss of a training is no number any more: to go on would end the same."""
