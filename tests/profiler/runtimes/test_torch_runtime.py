"""torch in the profiler's own process: a TorchScript program answers, says what it is, and unpickles nothing."""

import pickle
import sys
import threading
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from profiler.common.errors import BadInputError, ModelError
from profiler.common.target import Resources, Target
from profiler.runtimes.own_process import OwnProcess
from profiler.runtimes.torch_program import TorchProgram
from profiler.system.monitor.allocator import current_allocator

IMAGES = np.random.default_rng(0).standard_normal((5, 1, 8, 8), dtype=np.float32)


class Small(nn.Module):
    """(N, 1, 8, 8) to (N, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.fc = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.fc(self.layers(x).flatten(1))
        return logits


class Pair(Small):
    """Two answers for one."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[override]
        return x, self.fc(self.layers(x).flatten(1))


def saved(model: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        # That TorchScript is deprecated is known; reading it must not say so again.
        warnings.simplefilter("ignore", FutureWarning)
        torch.jit.save(torch.jit.script(model), str(path))
    return path


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def model() -> nn.Module:
    return Small().eval()


@pytest.fixture
def program(model: nn.Module, tmp_path: Path) -> Path:
    return saved(model, tmp_path / "model.pt")


@pytest.mark.parametrize("batch", [1, 3, 5])
def test_it_answers_every_batch_as_the_module_does(model: nn.Module, program: Path, batch: int) -> None:
    images = IMAGES[:batch]
    answers = TorchProgram(program, threads=1).prepare(images)()
    with torch.no_grad():
        expected = model(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(answers, expected, rtol=1e-5, atol=1e-6)


def test_a_program_saved_in_training_mode_answers_in_evaluation_mode(tmp_path: Path) -> None:
    served = TorchProgram(saved(Small().train(), tmp_path / "model.pt"), threads=1)
    alone, among_others = served.prepare(IMAGES[:1])(), served.prepare(IMAGES)()
    np.testing.assert_allclose(alone, among_others[:1], rtol=1e-5, atol=1e-6)


def test_calls_from_other_threads_keep_no_gradients(program: Path) -> None:
    call = TorchProgram(program, threads=1).prepare(IMAGES)
    found: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join(30)
    # A tensor that needs gradients would have refused to become an array.
    np.testing.assert_array_equal(found[0], call())


@pytest.mark.parametrize("threads", [1, 2])
def test_it_uses_the_given_threads(program: Path, threads: int) -> None:
    TorchProgram(program, threads)
    assert torch.get_num_threads() == threads


def test_nobody_else_counts_its_answers(program: Path) -> None:
    assert TorchProgram(program, threads=1).answers_counted() is None


def test_the_target_chooses_it(program: Path) -> None:
    host = OwnProcess(Target(runtime="torch"))
    served = host.load("model", program, Resources(cores=1, threads=1, instances=1))
    assert (host.runtime, served.runtime) == ("torch", "torch")


@pytest.mark.parametrize("content", [b"", b"not a program", b"PK\x03\x04"])
def test_a_broken_file_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.pt: it is no readable TorchScript program .*: save it again$"):
        TorchProgram(path, threads=1)


def test_a_program_with_two_answers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="save a program that answers one tensor"):
        TorchProgram(saved(Pair(), tmp_path / "pair.pt"), threads=1)


class Hostile:
    """Would make a file where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path(self.trace),)  # type: ignore[return-value]


@pytest.mark.parametrize("name", ["data.pkl", "constants.pkl"])
def test_pickled_code_in_a_program_is_not_run(name: str, program: Path, tmp_path: Path) -> None:
    trace, hostile = tmp_path / "trace", tmp_path / "hostile.pt"
    payload = pickle.dumps(Hostile(trace), protocol=2)
    with zipfile.ZipFile(program) as source, zipfile.ZipFile(hostile, "w") as copy:
        for entry in source.namelist():
            copy.writestr(entry, payload if entry.endswith(f"/{name}") else source.read(entry))
    with pytest.raises(ModelError, match="no readable TorchScript program"):
        TorchProgram(hostile, threads=1)
    assert not trace.exists()
    pickle.loads(payload)  # noqa: S301
    assert trace.exists(), "the payload would have done nothing anyway"


def test_a_provider_that_torch_does_not_have_is_refused(program: Path) -> None:
    with pytest.raises(BadInputError, match="no provider openvino: choose cpu or cuda"):
        TorchProgram(program, 1, ("openvino",))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused(program: Path) -> None:
    with pytest.raises(BadInputError, match="torch finds no GPU here: choose cpu"):
        TorchProgram(program, 1, ("cuda",))


def test_without_torch_the_extra_is_named(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BadInputError, match=r"pip install 'dnn-porting\[porting\]'"):
        TorchProgram(program, threads=1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU that torch can use")
def test_on_a_gpu_it_answers_and_its_memory_is_seen(model: nn.Module, program: Path) -> None:
    served = TorchProgram(program, 1, ("cuda",))
    answers = served.prepare(IMAGES)()
    with torch.no_grad():
        np.testing.assert_allclose(answers, model(torch.from_numpy(IMAGES)).numpy(), rtol=1e-3, atol=1e-4)
    state = current_allocator(torch)
    assert state.allocated_bytes is not None
    assert state.allocated_bytes.all.current > 0
