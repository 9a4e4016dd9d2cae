"""Where configurations lie: the project's own folder, and those of the user."""

from pathlib import Path

# The folders that a run was given with --config-dir.
config_folders: list[Path] = []


def config_folder() -> Path:
    """The folder `conf/`: inside the package `porting` in a wheel, beside it in a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"
