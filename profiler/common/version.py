"""The version of the installed distribution, as `--version` prints it."""

from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "dnn-porting"


def name_and_version() -> str:
    """The distribution's name and its version; a source tree that is not installed has no version."""
    try:
        return f"{DISTRIBUTION} {version(DISTRIBUTION)}"
    except PackageNotFoundError:
        return f"{DISTRIBUTION} (not installed: pip install .)"
