"""NVIDIA's perf_analyzer as the load generator, where it is installed: an independent client for comparison.

It works with Triton only, as it requests a model configuration that other KServe V2 servers do not have.
"""

import base64
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from profiler.common.errors import BadInputError, ServerError
from profiler.common.scratch import scratch
from profiler.load_generator.closed_loop import LoadSlice
from profiler.load_generator.perf_analyzer_run import (
    WINDOWS,
    PerfAnalyzerPoint,
    last_words,
    read_points,
    run_to_its_end,
)
from profiler.triton.launcher import launch_command

SETTLED, GAVE_UP = 0, 2
START_S = 20.0


@dataclass(frozen=True)
class Windows:
    """The windows of a point, each of `seconds`, until the last three agree within `within_share`.

    The point is abandoned after `most` windows without agreement. The defaults are those of perf_analyzer.
    """

    seconds: float = 5.0
    within_share: float = 0.1
    most: int = 10

    def arguments(self) -> list[str]:
        """The windows as arguments of the command line."""
        length = ["--measurement-interval", f"{self.seconds * 1e3:.0f}"]
        return [*length, "--stability-percentage", f"{self.within_share * 100:g}", "--max-trials", str(self.most)]


def warm_windows(seconds: float) -> Windows:
    """Windows of `seconds` together after a first one, which is slower, as the load begins in it.

    perf_analyzer stops early where three windows are equal, which no other difference allows.
    """
    return Windows(seconds=seconds / WINDOWS, within_share=0.0, most=WINDOWS + 1)


def find_perf_analyzer(path: Path | None = None) -> Path:
    """The program at `path`, or the one on the PATH; raises `BadInputError` where there is none."""
    found = shutil.which(path or "perf_analyzer")
    if found is None:
        raise BadInputError(
            f"no {path or 'perf_analyzer on the PATH'}: pip install perf-analyzer, or choose load_generator=built-in"
        )
    return Path(found)


class PerfAnalyzer:
    """Drives one model of the Triton server at `endpoint` from the caller's cores, with images (n, …), float32."""

    def __init__(self, program: Path, endpoint: str, model: str, input_name: str, images: np.ndarray) -> None:
        self._program, self._endpoint, self._model = program, endpoint, model
        encoded = [base64.b64encode(np.ascontiguousarray(image, "<f4").tobytes()).decode() for image in images]
        self._data = json.dumps({"data": [{input_name: {"b64": text}} for text in encoded]})

    def measure(self, batch: int, concurrency: int, windows: Windows, limit_s: float) -> PerfAnalyzerPoint:
        """The point of one closed loop, settled or not; raises `ServerError` for a failure, or after `limit_s`."""
        return self.sweep(batch, f"{concurrency}", windows, limit_s)[0]

    def sweep(self, batch: int, concurrencies: str, windows: Windows, limit_s: float) -> list[PerfAnalyzerPoint]:
        """The points of one run over a range such as `1:4`; it ends at the first point that does not settle."""
        with scratch("perf-analyzer") as made:
            folder = made.folder
            (folder / "input.json").write_text(self._data)
            command = [*launch_command(), str(self._program), "-v", "-i", "grpc"]
            command += ["-u", self._endpoint, "-m", self._model, "-b", str(batch), "--concurrency-range", concurrencies]
            command += ["--input-data", str(folder / "input.json"), *windows.arguments()]
            ended = run_to_its_end(command, folder / "output", limit_s)
        points = read_points(ended.output, batch, ended.cpu_share)
        if ended.code not in (SETTLED, GAVE_UP) or not points:
            raise ServerError(f"perf_analyzer failed with code {ended.code}: {last_words(ended.output)}")
        return points


class PerfAnalyzerLoop:
    """A `Loop` whose slices are runs of `warm_windows`; it reports no latency of a single request."""

    slice_s, counts_all = 3.0, False

    def __init__(self, analyzer: PerfAnalyzer, batch: int, concurrency: int) -> None:
        self._analyzer, self._batch, self._concurrency = analyzer, batch, concurrency

    def warm_up(self) -> None:
        """Does nothing, as each run has a first window that does not count."""

    def run(self, seconds: float) -> LoadSlice:
        """The figures of a run whose counted windows take `seconds` together."""
        limit_s = START_S + 3 * seconds
        point = self._analyzer.measure(self._batch, self._concurrency, warm_windows(seconds), limit_s)
        counted = point.warm_images_per_s() / self._batch * seconds
        return LoadSlice(round(counted), seconds, counted, seconds, [], point.client_cpu_share)
