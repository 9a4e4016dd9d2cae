"""What every planner is asked about."""

from pathlib import Path

import pytest
from made_tasks import repository

from porting.repository import Repository


@pytest.fixture(scope="session")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Three tasks on one target, measured on half a core to eight."""
    folder: Path = tmp_path_factory.mktemp("tasks")
    return repository(folder)
