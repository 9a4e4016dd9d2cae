"""The torch program of a network: it answers as the network does, and holds nothing of the process that wrote it."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support import ROOT, environment
from torch import Tensor, nn

from backbones.resnet import resnet8
from porting.networks.program import write_program
from profiler.common.errors import DnnPortingError, ModelError
from profiler.common.files import sha256
from profiler.runtimes.torch_program import TorchProgram

SHAPE, TOLERANCE = (1, 32, 32), 1e-4


def network() -> nn.Module:
    torch.manual_seed(0)
    return resnet8(1, 10, width=0.5)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    write_program(network(), tmp_path / "model.pt", SHAPE, TOLERANCE)
    return tmp_path / "model.pt"


@pytest.mark.parametrize("batch", [1, 3, 8, 64])
def test_the_program_answers_every_batch_as_the_network_does(program: Path, batch: int) -> None:
    images = torch.randn(batch, *SHAPE)
    with torch.no_grad():
        expected = network().eval()(images)
    answers = TorchProgram(program, torch.get_num_threads()).prepare(images.numpy())()
    torch.testing.assert_close(torch.from_numpy(answers), expected)


def test_the_same_network_gives_the_same_bytes_in_this_process_and_in_another(program: Path, tmp_path: Path) -> None:
    write_program(network(), tmp_path / "again.pt", SHAPE, TOLERANCE)
    assert sha256(tmp_path / "again.pt") == sha256(program)
    code = "from test_program import *; write_program(network(), Path('elsewhere.pt'), SHAPE, TOLERANCE)"
    path = f"{Path(__file__).parent}:{ROOT / 'tests'}:{environment()['PYTHONPATH']}"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={**environment(), "PYTHONPATH": path}, check=True)
    assert sha256(tmp_path / "elsewhere.pt") == sha256(program)


def test_the_program_holds_no_source_lines_or_paths(program: Path) -> None:
    content = program.read_bytes()
    assert b"debug_pkl" not in content
    assert str(ROOT).encode() not in content


def test_a_network_whose_trace_fixes_its_batch_has_no_program(tmp_path: Path) -> None:
    class Fixed(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.view(int(images.shape[0]), 4)

    with pytest.raises(ModelError, match=r"for input \[1, 2, 2\] of any batch size: .*shape '\[2, 4\]' is invalid"):
        write_program(Fixed(), tmp_path / "model.pt", (1, 2, 2), TOLERANCE)


def test_a_network_that_does_otherwise_with_another_batch_has_no_program(tmp_path: Path) -> None:
    class Branching(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.flatten(1) if len(images) > 1 else -images.flatten(1)

    with pytest.raises(DnnPortingError, match=r"the traced program differs from the network by .* at batch 1"):
        write_program(Branching(), tmp_path / "model.pt", (1, 2, 2), TOLERANCE)
