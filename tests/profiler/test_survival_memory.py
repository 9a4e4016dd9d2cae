"""A real server runs out of memory: its backend is killed or refused, and only the batch that did not fit is lost."""

import os
import re
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from onnx import TensorProto, helper, numpy_helper, save
from survival import gone, level, profiled, regions

from profiler.common.target import Resources, Target
from profiler.load_generator import reference
from profiler.measure.throughput import meter
from profiler.runtimes.kserve.model import V2Model
from profiler.runtimes.kserve.own_triton import OwnTriton
from profiler.system.control_groups import CGROUPS, group_of
from profiler.system.processes import tree
from profiler.target.prepared_target import prepared_target

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

MIB = 2**20
CHANNELS, SIZE = 128, 64
FITS, TOO_LARGE, FITS_TOO = 1, 64, 4
# What the backends may take beyond what they have when the model is loaded; an image takes 2 MiB.
ROOM_BYTES = 64 * MIB
LEAVE_S = 10.0


class Family(list[psutil.Process]):
    """All processes of all servers, and their shared memory."""

    def __init__(self) -> None:
        super().__init__()
        self.shared: list[Path] = []


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short slices."""
    monkeypatch.setattr(meter, "SLICE_S", 0.1)
    monkeypatch.setattr(reference, "SLICE_S", 0.02)


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """A network with 2 MiB of activations an image: 128 channels of 64×64, averaged."""
    weight = np.linspace(-1, 1, CHANNELS, dtype=np.float32).reshape(CHANNELS, 1, 1, 1)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input", "weight"], ["wide"]),
            helper.make_node("GlobalAveragePool", ["wide"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["output"]),
        ],
        "wide",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 1, SIZE, SIZE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", CHANNELS])],
        [numpy_helper.from_array(weight, "weight")],
    )
    path = tmp_path / "wide" / "model.onnx"
    path.parent.mkdir()
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """A control group whose processes may take `ROOM_BYTES` together."""
    try:
        nest, file = memory_controller()
        group = nest / f"dnn-porting-test-{os.getpid()}"
        group.mkdir()
    except OSError as error:
        pytest.skip(f"memory control groups cannot be written here ({error}): this needs root")
    (group / file).write_text(str(ROOM_BYTES))
    yield group
    end = time.monotonic() + LEAVE_S
    while group.exists() and time.monotonic() < end:
        with suppress(OSError):
            group.rmdir()
        time.sleep(0.02)


def memory_controller() -> tuple[Path, str]:
    """Where a group with a limit to its memory may be made, and the file that takes the limit."""
    version_1 = CGROUPS / "memory"
    if version_1.is_dir():
        return version_1, "memory.limit_in_bytes"
    home = group_of(os.getpid())
    if home is None:
        raise FileNotFoundError("there is no controller")
    (home.nest() / "cgroup.subtree_control").write_text("+memory")
    return home.nest(), "memory.max"


def kills(group: Path) -> int:
    """How often the kernel killed a process of the group for its memory."""
    file = next(group / name for name in ("memory.oom_control", "memory.events") if (group / name).exists())
    return int(dict(line.split() for line in file.read_text().splitlines())["oom_kill"])


WithBackends = Callable[[Callable[[psutil.Process], None]], Family]


@pytest.fixture
def with_backends(monkeypatch: pytest.MonkeyPatch) -> WithBackends:
    """Has something done to every backend process that has loaded a model; returns all processes of all servers."""
    load, family = OwnTriton.load, Family()

    def prepare(limit: Callable[[psutil.Process], None]) -> Family:
        def limited(self: OwnTriton, name: str, path: Path, resources: Resources) -> V2Model:
            model = load(self, name, path, resources)
            fresh = [process for process in tree(self.process) if process not in family]
            family.extend(fresh)
            family.shared += regions(self.process)
            for process in fresh:
                if process.pid != self.process:
                    limit(process)
            return model

        monkeypatch.setattr(OwnTriton, "load", limited)
        return family

    return prepare


def only_the_large_batch_is_lost(wide: Path, family: Family, reason: str) -> None:
    """And it is lost to that reason; another server took over, and nothing of either is left."""
    with prepared_target("here", Target()) as ready:
        first = ready.host.process
        profile = profiled(ready, wide, level(FITS, TOO_LARGE, FITS_TOO))
        assert ready.host.process != first
    (missing,) = profile.missing
    assert (missing.point, missing.at["batch"], missing.verdict) == ("ThroughputPoint", TOO_LARGE, "failed")
    assert re.search(reason, missing.reason)
    assert [point.batch for point in profile.throughput] == [FITS, FITS_TOO]
    assert sorted(point.batch for point in profile.max_throughput) == [FITS, FITS_TOO]
    assert len(family) >= 4
    assert gone(family)
    assert not any(path.exists() for path in family.shared)


def test_a_backend_that_the_kernel_kills_for_its_memory_costs_one_point(
    wide: Path, memory_group: Path, with_backends: WithBackends
) -> None:
    def confine(backend: psutil.Process) -> None:
        (memory_group / "cgroup.procs").write_text(str(backend.pid))

    only_the_large_batch_is_lost(wide, with_backends(confine), "inference failed: .*Stub process .* is not healthy")
    assert kills(memory_group) == 1


def test_a_backend_that_is_refused_memory_costs_one_point(wide: Path, with_backends: WithBackends) -> None:
    def confine(backend: psutil.Process) -> None:
        limit = backend.memory_info().vms + ROOM_BYTES
        backend.rlimit(resource.RLIMIT_AS, (limit, limit))

    only_the_large_batch_is_lost(wide, with_backends(confine), "inference failed: .*Failed to allocate memory")
