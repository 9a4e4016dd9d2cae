"""A torch network as a TorchScript program, which a target with runtime=torch serves in place of the ONNX file."""

import warnings
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import torch
from torch import Tensor, nn

from porting.networks.parity import check_answers
from profiler.common.errors import DnnPortingError, ModelError
from profiler.runtimes.torch_program import read_program

# Source lines and paths of this machine, and a digest of them.
PROVENANCE = (".debug_pkl", "/.data/serialization_id")


def write_program(model: nn.Module, path: Path, shape: tuple[int, int, int], tolerance: float) -> None:
    """Writes the file and checks it; the network takes no gradients from then on.

    Raises `DnnPortingError` where it cannot be traced or the program answers differently.
    """
    network = model.eval().requires_grad_(False)
    try:
        path.write_bytes(traced(network, shape))
        program = read_program(torch, path, "cpu")
        check_answers(
            "traced program", lambda images: program(torch.from_numpy(images)).numpy(), network, shape, tolerance
        )
    except (DnnPortingError, OSError):
        raise
    except Exception as error:
        # Tracing runs the network's own code and fails with whatever that raises; so does a program of one batch size.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1][:300]
        raise ModelError(f"it cannot be traced for input {list(shape)} of any batch size: {reason}") from error


def traced(network: nn.Module, shape: tuple[int, int, int]) -> bytes:
    """The content of the file, the same for the same network.

    A module's trace numbers its classes by what was traced before in this process; that of a function, which has
    the weights for constants, knows no classes.
    """

    def forward(images: Tensor) -> Tensor:
        answers: Tensor = network(images)
        return answers

    archive = BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        # TorchScript is deprecated, and what a trace cannot follow is seen in the program's answers.
        warnings.simplefilter("ignore")
        program = torch.jit.trace(forward, torch.zeros(2, *shape), check_trace=False)  # type: ignore[no-untyped-call]
        torch.jit.save(program, archive)
    return without_provenance(archive)


def without_provenance(archive: BytesIO) -> bytes:
    """The archive with nothing of this machine in it."""
    kept = BytesIO()
    with ZipFile(archive) as source, ZipFile(kept, "w") as target:
        for name in source.namelist():
            if not name.endswith(PROVENANCE):
                target.writestr(ZipInfo(name), source.read(name))
    return kept.getvalue()
