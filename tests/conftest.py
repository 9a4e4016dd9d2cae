"""A small real pipeline run, the command line, a network to measure, and a Chromium."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked import Forked, forked
from servers.short_lived import TOKEN
from spread import Spread, place
from support import SHARED_DATA, SMALL, Command, Run, command_line, environment, write_network
from xdist.remote import Producer

import profiler  # noqa: F401  (before any test imports ONNX Runtime, which would report to its maker)
from profiler.common.locks import FOLDER as LOCK_FOLDER
from profiler.triton.access import TOKEN_FILE

# A shell has what it starts in the background ignore Ctrl-C, and nohup a hang-up: so would every command of the tests.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Spread:
    return Spread(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts slow files first where several processes share the tests: no process waits for a slow last one."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: place(item.nodeid))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test whose data set is not there."""
    for mark in item.iter_markers("data"):
        if not (SHARED_DATA / mark.args[0]).exists():
            pytest.skip(f"the data set {mark.args[0]} is not in {SHARED_DATA}: set DNN_PORTING_DATA to its folder")


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each reason for which tests were skipped."""
    found = Counter(report.longrepr[2] for report in terminalreporter.getreports("skipped"))
    for reason, tests in found.most_common():
        terminalreporter.write_line(f"{tests} skipped: {reason.removeprefix('Skipped: ')}")


@pytest.fixture(scope="session", autouse=True)
def temporary_files() -> Iterator[None]:
    """Gives this process a place of its own, as in a shared one anybody removes what the dead of another test left."""
    # No `TemporaryDirectory`: a forked command removes it as it ends.
    folder = Path(tempfile.mkdtemp(prefix="tests-"))
    # Workers of a server may run as another user.
    folder.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        # Two runs, or two processes of one, never wait for each other's lock of the profiler.
        patch.setenv(LOCK_FOLDER, str(folder))
        patch.setattr(tempfile, "tempdir", str(folder))
        yield
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def token_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Gives every command the token of the tests' own servers."""
    path = tmp_path_factory.mktemp("token") / "token"
    path.write_text(TOKEN)
    os.environ[TOKEN_FILE] = str(path)


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forked]:
    """Starts `dnn-porting` as its own process in a folder of its own, with the slow imports done."""
    with forked(tmp_path_factory.mktemp("cwd")) as running:
        yield running


@pytest.fixture(scope="session")
def dnn_porting(commands: Forked) -> Command:
    """Runs such a process to its end."""

    def run(*arguments: str, timeout_s: float = 300) -> Run:
        return commands.start(*arguments).result(timeout_s)

    return run


@pytest.fixture(scope="session")
def cold_dnn_porting(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Runs `dnn-porting` as a user does, with every import still to do."""
    folder = tmp_path_factory.mktemp("cwd")

    def run(*arguments: str, timeout_s: float = 300) -> Run:
        # The server's environment lies beside the running one, so the folder of the call does not matter.
        done = subprocess.run(
            command_line(*arguments), cwd=folder, env=environment(), capture_output=True, text=True, timeout=timeout_s
        )
        return Run(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def published(cold_dnn_porting: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which the whole pipeline ran once, small but real, with MLflow."""
    workspace = tmp_path_factory.mktemp("published")
    run = cold_dnn_porting(*SMALL, f"workspace={workspace}")
    assert run.code == 0, run.err
    return workspace


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; `make browser` installs one."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if not Path(path).exists():
        pytest.skip("no Chromium here: make browser installs one")
    return path


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A small ONNX file."""
    return write_network(tmp_path / "model.onnx")
