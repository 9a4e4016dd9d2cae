"""The real perf_analyzer on a real Triton."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from narrowing import known
from servers.short_lived import short_lived_triton
from support import write_network

from profiler.common.errors import BadInputError, ServerError
from profiler.common.target import Resources, Target
from profiler.load_generator.perf_analyzer import PerfAnalyzer, Windows, find_perf_analyzer
from profiler.runtimes.inputs import sample_input
from profiler.runtimes.kserve.host import V2Host
from profiler.runtimes.kserve.server import V2Server

pytestmark = pytest.mark.integration

SHORT = Windows(seconds=0.15, within_share=10.0, most=3)
MODEL = "measured"


@pytest.fixture(scope="module")
def program() -> Path:
    try:
        return find_perf_analyzer()
    except BadInputError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def served(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """HOST:PORT of a Triton that serves the small network."""
    path = write_network(tmp_path_factory.mktemp("network") / "model.onnx")
    with short_lived_triton() as server, V2Host(Target(endpoint=server.endpoint)) as host:
        host.load(MODEL, path, Resources(cores=1, threads=1, instances=1))
        yield server.endpoint


@pytest.fixture
def driver(program: Path, served: str) -> PerfAnalyzer:
    return PerfAnalyzer(program, served, MODEL, "input", sample_input((1, 8, 8), 4))


def test_the_real_one_measures_a_point(driver: PerfAnalyzer, served: str) -> None:
    server = V2Server(served)
    before = server.inference_count(MODEL)
    point = driver.measure(batch=2, concurrency=2, windows=SHORT, limit_s=60)
    counted = server.inference_count(MODEL)
    server.close()
    assert (point.verdict, point.batch, point.concurrency) == ("settled", 2, 2)
    assert len(point.windows_images_per_s) == 3
    assert point.images_per_s == pytest.approx(np.mean(point.windows_images_per_s), rel=0.3)
    assert known(point.p50_ms) <= known(point.p90_ms) <= known(point.p95_ms) <= known(point.p99_ms)
    # What it sent before its first window and after its last one is no part of any.
    assert known(counted) - known(before) >= 3 * SHORT.seconds * known(point.images_per_s) * 0.7
    assert 0 < point.client_cpu_share < 2


def test_what_does_not_settle_for_the_real_one_is_no_error(driver: PerfAnalyzer) -> None:
    point = driver.measure(1, 2, Windows(seconds=0.1, within_share=1e-6, most=3), limit_s=60)
    assert (point.verdict, point.images_per_s) == ("unsettled", None)
    assert len(point.windows_images_per_s) == 3


def test_the_real_one_says_what_is_wrong(program: Path, served: str) -> None:
    other = PerfAnalyzer(program, served, "nowhere", "input", np.zeros((1, 1, 8, 8)))
    with pytest.raises(ServerError, match=r"perf_analyzer failed with code 99: error: .*unknown model: 'nowhere'"):
        other.measure(1, 1, SHORT, limit_s=60)


def test_a_sweep_of_the_real_one_ends_at_its_limit(driver: PerfAnalyzer) -> None:
    with pytest.raises(ServerError, match="took longer than 1 s"):
        driver.sweep(1, "1:4", Windows(), limit_s=1)
