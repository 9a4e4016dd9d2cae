"""Names of the user's reach no shell: whatever files and folders are called, they are measured and nothing is run."""

import subprocess
import sys
from pathlib import Path

import pytest
from support import environment, write_network
from survival import level

from profiler.command import Request
from profiler.common.errors import BadInputError
from profiler.common.files import read_record
from profiler.common.target import Resources, Target
from profiler.records.profile import Profile
from profiler.runtimes.kserve.own_triton import OwnTriton
from profiler.runtimes.served import Expectation
from profiler.triton.installation import find_triton
from profiler.triton.server import triton_server

pytestmark = pytest.mark.integration
NAMES = ["a b", "a$(touch ran)b", "a;touch ran;b", "-a", "'\"", "ü*"]


@pytest.mark.parametrize("name", NAMES[:2])
def test_a_file_is_profiled_wherever_it_lies(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    write_network(folder / "model.onnx")
    request = Request(target_name="here", target=Target(), settings=level(1, every=False))
    (folder / "request.json").write_text(request.model_dump_json())
    done = subprocess.run(
        [sys.executable, "-m", "profiler", f"./{name}/model.onnx", f"./{name}/request.json"],
        cwd=tmp_path,
        env={**environment(), "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert read_record(tmp_path / "profile.json", Profile, "").max_throughput
    assert not list(tmp_path.rglob("ran"))


@pytest.mark.parametrize("name", NAMES)
def test_the_server_s_environment_may_lie_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    if (wheel := find_triton().wheel) is None:
        pytest.skip("the server here has no environment of its own")
    (tmp_path / name).mkdir()
    environment = tmp_path / name / ".venv-triton"
    environment.symlink_to(wheel.parents[3])
    network = write_network(tmp_path / "model.onnx")
    own = OwnTriton(Target(server_environment=environment), cores=[0])
    try:
        expectation = Expectation(network, 1)
        served = own.load("m", network, Resources(cores=1, threads=1, instances=1))
        expectation.check(served.prepare(expectation.images())())
    finally:
        own.close()
    assert not list(tmp_path.rglob("ran"))


@pytest.mark.parametrize("name", NAMES[:3])
def test_a_repository_that_a_shell_would_act_on_is_refused_before_anything_starts(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with (
        pytest.raises(BadInputError, match="Triton gives its name to a shell"),
        triton_server(find_triton(), repository=tmp_path / name),
    ):
        pass
