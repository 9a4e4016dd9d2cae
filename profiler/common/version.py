"""The versions of the installed packages; `--version` prints the project's own."""

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "dnn-porting"


def name_and_version() -> str:
    """The distribution's name and its version; a source tree that is not installed has no version."""
    try:
        return f"{DISTRIBUTION} {version(DISTRIBUTION)}"
    except PackageNotFoundError:
        return f"{DISTRIBUTION} (not installed: pip install .)"


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """The installed versions of these packages and of the project; nni, for example, is absent on Arm."""
    found = dict.fromkeys((DISTRIBUTION, *packages), "absent")
    for name in found:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
