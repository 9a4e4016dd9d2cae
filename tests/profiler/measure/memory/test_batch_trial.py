"""One batch in a process of its own: it answers, is killed at the limit, or dies, and is always gone afterwards."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from narrowing import known
from onnx import TensorProto, helper, numpy_helper, save

from profiler.common.target import Resources, Target
from profiler.measure.memory.batch_trial import Work, attempt, child
from profiler.measure.memory.largest_batch import largest_batch
from profiler.records.place import Place

MIB = 2**20
SHAPE = (1, 64, 64)
CORES = [min(os.sched_getaffinity(0))]
PARENT = """
import sys, time
from pathlib import Path
from profiler.measure.memory.batch_trial import Work, child
from profiler.common.target import Target
with child(Work(Target(runtime="onnxruntime"), Path(sys.argv[1]), (1, 64, 64), [{core}]), 1) as running:
    while not running.output.read_text():
        time.sleep(0.01)
    print(running.process.pid, flush=True)
    time.sleep(60)
"""


@dataclass(frozen=True)
class Script(Work):
    """A child that runs these lines of Python before, or instead of, its work."""

    lines: str = ""

    def command(self, batch: int) -> list[str]:
        *_, module, parent, target, path, number, a, b, c = super().command(batch)
        work = f"from {module} import main; main()"
        return [sys.executable, "-c", self.lines + "\n" + work, parent, target, path, number, a, b, c]


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """A network with 1 MiB of activations an image: 64 channels of 64×64, averaged."""
    weight = np.ones((64, 1, 1, 1), np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input", "weight"], ["wide"]),
            helper.make_node("GlobalAveragePool", ["wide"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["output"]),
        ],
        "wide",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", *SHAPE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 64])],
        [numpy_helper.from_array(weight, "weight")],
    )
    path = tmp_path / "wide.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return Work(Target(runtime="onnxruntime"), path, SHAPE, CORES)


def script(work: Work, lines: str) -> Script:
    return Script(work.target, work.path, work.shape, work.cores, lines)


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def gone(pid: int, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_the_peak_grows_with_the_batch_by_what_the_activations_take(work: Work) -> None:
    small, large = (attempt(work, batch, None, 60) for batch in (8, 40))
    assert (small.outcome, large.outcome) == ("fits", "fits")
    assert 32 * MIB < large.peak_bytes - small.peak_bytes < 3 * 32 * MIB


def test_the_same_batch_takes_the_same_memory_again(work: Work) -> None:
    first, second = (attempt(work, 16, None, 60) for _ in range(2))
    assert first.peak_bytes == pytest.approx(second.peak_bytes, rel=0.02)


def test_what_the_model_takes_is_told_apart_from_the_interpreter(work: Work) -> None:
    found = attempt(work, 32, None, 60)
    assert found.report is not None
    assert found.report.resident_bytes - found.report.before_bytes > 30 * MIB
    assert found.report.before_bytes > 10 * MIB


def test_a_child_that_takes_more_than_the_limit_is_killed(work: Work) -> None:
    limit, before = attempt(work, 1, None, 60).peak_bytes + 16 * MIB, children()
    found = attempt(work, 512, limit, 60)
    assert found.outcome == "over the limit"
    assert limit < found.peak_bytes < limit + 256 * MIB
    assert children() <= before


def test_the_largest_batch_is_the_one_before_the_first_that_dies(work: Work) -> None:
    limit = attempt(work, 1, None, 60).peak_bytes + 6 * MIB
    found = largest_batch(work, Place("onnxruntime", Resources(1, 1, 1), limit_bytes=limit), 60)
    assert found.batch is not None
    assert found.too_large == found.batch + 1
    assert 2 <= found.batch <= 6
    assert known(found.peak_bytes) <= limit < known(found.too_large_peak_bytes)
    assert {trial.outcome for trial in found.trials} == {"fits", "over the limit"}


def test_an_allocation_that_fails_is_out_of_memory(work: Work) -> None:
    limited = script(work, "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))")
    assert attempt(limited, 2**17, None, 60).outcome == "out of memory"


def test_a_child_that_the_kernel_kills_is_out_of_memory(work: Work) -> None:
    killed = script(work, f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})")
    assert attempt(killed, 1, None, 60).outcome == "out of memory"


def test_the_kernel_is_to_kill_the_child_before_anybody_else(work: Work) -> None:
    with child(work, 1) as running:
        while not running.output.read_text():
            assert running.process.poll() is None
            time.sleep(0.01)
        assert Path(f"/proc/{running.process.pid}/oom_score_adj").read_text().strip() == "1000"


def test_a_model_that_is_refused_says_why(work: Work) -> None:
    found = attempt(replace(work, shape=(1, 64, 65, 2)), 1, None, 60)
    assert found.outcome == "refused"
    assert "rank" in found.reason


def test_a_child_that_hangs_is_stopped_in_time(work: Work) -> None:
    before = children()
    found = attempt(script(work, "import time; time.sleep(600)"), 1, None, 0.3)
    assert found.outcome == "too slow"
    assert children() <= before


def test_a_child_dies_with_its_parent(work: Work) -> None:
    command = [sys.executable, "-c", PARENT.format(core=CORES[0]), str(work.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        pid = int(known(parent.stdout).readline())
        assert psutil.pid_exists(pid)
        parent.kill()
    assert gone(pid)
