"""The versions of what is installed; that of the project is what `--version` prints."""

from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "dnn-porting"


def name_and_version() -> str:
    """The distribution's name and its version; a source tree that is not installed has no version."""
    try:
        return f"{DISTRIBUTION} {version(DISTRIBUTION)}"
    except PackageNotFoundError:
        return f"{DISTRIBUTION} (not installed: pip install .)"


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """The installed versions of what decides a result, this project's own among them."""
    return {name: installed_version(name) for name in (DISTRIBUTION, *packages)}


def installed_version(package: str) -> str:
    """Its version; nni, for one, is absent on Arm."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
