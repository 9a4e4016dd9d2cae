"""The folders of configurations: that of the project, and those of the user."""

from pathlib import Path

# The folders of the option --config-dir.
config_folders: list[Path] = []


def config_folder() -> Path:
    """The folder `conf/`, which lies in the package `porting` of a wheel, and in the root of a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"
