"""The commands that are printed to be run next do, in a shell, what they say, whatever the folder is called."""

import shlex
from pathlib import Path

import pytest
from made_repository import repository
from unfinished import unfinished

from porting.command_line.summary import show_repository, summarise
from porting.commands.request import run as request
from porting.commands.select import run as select
from porting.configuration.settings import Settings, TrackingSettings
from porting.pipeline import Outcome
from porting.tracking.database_file import upgrade_of
from profiler.command import run as profile
from profiler.common.errors import BadInputError

ODD = "a $(touch x) 'b'; c"


def words_after(text: str, begin: str) -> list[str]:
    """Of the first line that holds `begin`, what a shell makes of the rest."""
    line = next(line for line in text.splitlines() if begin in line)
    return shlex.split(line.partition(begin)[2])


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    (tmp_path / ODD).mkdir()
    return tmp_path / ODD


def test_the_summary_names_the_database_and_the_repository(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tracking = TrackingSettings(enabled=True, uri=None)
    settings = unfinished(Settings, workspace=odd, task="digits", tracking=tracking)
    summarise(Outcome(variants=[], repository=None), settings)
    show_repository(repository(odd), odd / "repository")
    out = capsys.readouterr().out
    assert words_after(out, " ui ") == ["--backend-store-uri", f"sqlite:///{odd / 'mlflow.db'}"]
    assert words_after(out, " serve ") == [str(odd / "repository")]


def test_the_choice_names_the_repository(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(repository(odd).storage.local)
    select([root])
    assert words_after(capsys.readouterr().out, "dnn-porting serve ")[0] == root


def test_the_request_names_its_file_and_server(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = ["targets.local_cpu.runtime=triton", "'targets.local_cpu.endpoint=\"[::1]:8001\"'"]
    request([*(word.strip("'") for word in server), "--output", str(odd / "re quest.json")])
    words = words_after(capsys.readouterr().out, "run on the other machine  ")
    assert words == ["python", "-m", "profiler", "MODEL.onnx", "re quest.json", "--endpoint", "[::1]:8001"]
    with pytest.raises(BadInputError) as caught:
        profile(odd / "model.onnx", odd / "re quest.json", odd / "profile.json")
    assert words_after(str(caught.value), "agree to that with ") == ["--endpoint", "[::1]:8001"]


def test_the_upgrade_names_the_database(odd: Path) -> None:
    assert shlex.split(upgrade_of(odd / "mlflow.db"))[-1] == f"sqlite:///{odd / 'mlflow.db'}"
