"""The TorchScript program of a network, for targets with runtime=torch, and the check of any exported form."""

import warnings
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import numpy as np
import torch
from torch import Tensor, nn

from profiler.common.errors import DnnPortingError, ModelError
from profiler.runtimes.torch_program import read_program

PARITY_BATCHES = (1, 3, 8)
Shape = tuple[int, int, int]
# Entries with source lines and paths of this machine, and with a digest of them.
PROVENANCE = (".debug_pkl", "/.data/serialization_id")


def write_program(model: nn.Module, path: Path, shape: Shape, tolerance: float, others: Sequence[Shape] = ()) -> None:
    """Writes the file and checks it, for inputs of the `others` too.

    The parameters of the network require no gradients afterwards. Raises `DnnPortingError` where tracing fails or the
    program gives other answers.
    """
    network = model.eval().requires_grad_(False)
    try:
        path.write_bytes(traced(network, shape))
        program = read_program(torch, path, "cpu")
        for size in (shape, *others):
            check_answers(
                "traced program", lambda images: program(torch.from_numpy(images)).numpy(), network, size, tolerance
            )
    except (DnnPortingError, OSError):
        raise
    except Exception as error:
        # Tracing runs the network's own code, which may raise any error; so may a program of a fixed batch size.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1][:300]
        raise ModelError(f"it cannot be traced for input {list(shape)} of any batch size: {reason}") from error


def check_answers(
    form: str,
    answer: Callable[[np.ndarray], np.ndarray],
    model: nn.Module,
    shape: Shape,
    tolerance: float,
) -> None:
    """Raises `DnnPortingError` where an output of the form differs by more than `tolerance` of the range of outputs.

    `form` is its name in messages.
    """
    for batch in PARITY_BATCHES:
        images = np.random.default_rng(batch).standard_normal((batch, *shape), dtype=np.float32)
        with torch.no_grad():
            expected = model(torch.from_numpy(images)).numpy()
        answers = answer(images)
        same_shape = answers.shape == expected.shape
        error = float(np.abs(answers - expected).max() / (np.ptp(expected) or 1.0)) if same_shape else float("inf")
        if not error <= tolerance:
            raise DnnPortingError(
                f"the {form} differs from the network by {error:.1e} of its range at batch {batch} of {list(shape)}, "
                f"more than export.tolerance={tolerance:g}"
            )


def traced(network: nn.Module, shape: tuple[int, int, int]) -> bytes:
    """The content of the file, equal for equal networks.

    The trace of a module numbers its classes by the earlier traces of the process. The trace of a function has the
    weights as constants and contains no classes.
    """

    def forward(images: Tensor) -> Tensor:
        answers: Tensor = network(images)
        return answers

    archive = BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        # The warnings are that TorchScript is deprecated and that a trace is partial, which the parity check finds.
        warnings.simplefilter("ignore")
        program = torch.jit.trace(forward, torch.zeros(2, *shape), check_trace=False)  # type: ignore[no-untyped-call]
        torch.jit.save(program, archive)
    return without_provenance(archive)


def without_provenance(archive: BytesIO) -> bytes:
    """The archive without source lines and paths of this machine."""
    kept = BytesIO()
    with ZipFile(archive) as source, ZipFile(kept, "w") as target:
        for name in source.namelist():
            if not name.endswith(PROVENANCE):
                target.writestr(ZipInfo(name), source.read(name))
    return kept.getvalue()
