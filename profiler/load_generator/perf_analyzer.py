"""NVIDIA's perf_analyzer as the load generator, where it is installed: a second opinion from somebody else's client.

It speaks to Triton only: of any other V2 server it asks for a model configuration that the protocol does not have.
"""

import base64
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from profiler.common.errors import BadInputError, ServerError
from profiler.common.scratch import scratch
from profiler.load_generator.closed_loop import LoadSlice
from profiler.load_generator.perf_analyzer_output import PerfAnalyzerPoint, last_words, read_points
from profiler.load_generator.perf_analyzer_process import run_to_its_end
from profiler.triton.child_processes import launch_command

SETTLED, GAVE_UP = 0, 2
WINDOWS = 3
# It calls a point stable when its last three windows agree; how far they may differ is judged here, over all slices.
ANY = 10.0
START_S = 20.0


@dataclass(frozen=True)
class Windows:
    """How it measures: windows of `seconds`, or of `requests`, until the last three agree within `within_share`.

    After `most` windows that do not agree it gives the point up. The defaults are its own.
    """

    seconds: float = 5.0
    requests: int | None = None
    within_share: float = 0.1
    most: int = 10

    def arguments(self) -> list[str]:
        length = ["--measurement-interval", f"{self.seconds * 1e3:.0f}"]
        if self.requests is not None:
            length = ["--measurement-mode", "count_windows", "--measurement-request-count", str(self.requests)]
        return [*length, "--stability-percentage", f"{self.within_share * 100:g}", "--max-trials", str(self.most)]


@dataclass(frozen=True)
class Sweep:
    """What a range of concurrencies gave in how many seconds; it ends at the first point that does not settle."""

    points: list[PerfAnalyzerPoint]
    seconds: float

    @property
    def gave_up(self) -> bool:
        return any(point.verdict != "settled" for point in self.points)


def find_perf_analyzer(path: Path | None = None) -> Path:
    """The program at `path`, else the one on the PATH; `BadInputError` where there is none."""
    found = shutil.which(path or "perf_analyzer")
    if found is None:
        raise BadInputError(
            f"no {path or 'perf_analyzer on the PATH'}: pip install perf-analyzer, or choose load_generator=built-in"
        )
    return Path(found)


class PerfAnalyzer:
    """Drives one model of the Triton server at `endpoint` with these images (n, …), float32, in turns.

    It runs on the cores of the thread that calls, is stopped at a time limit and dies with this process.
    """

    def __init__(self, program: Path, endpoint: str, model: str, input_name: str, images: np.ndarray) -> None:
        self._program, self._endpoint, self._model = program, endpoint, model
        encoded = [base64.b64encode(np.ascontiguousarray(image, "<f4").tobytes()).decode() for image in images]
        self._data = json.dumps({"data": [{input_name: {"b64": text}} for text in encoded]})

    def measure(self, batch: int, concurrency: int, windows: Windows, limit_s: float) -> PerfAnalyzerPoint:
        """One closed loop; `ServerError` where it fails or takes longer than `limit_s`, not where it gives up."""
        return self._run(batch, f"{concurrency}", windows, limit_s)[0]

    def default_sweep(self, batch: int, most_concurrency: int, limit_s: float) -> Sweep:
        """Concurrency 1, 2, … with the settings that it has by itself."""
        start = time.perf_counter()
        points = self._run(batch, f"1:{most_concurrency}", Windows(), limit_s)
        return Sweep(points, time.perf_counter() - start)

    def _run(self, batch: int, concurrency: str, windows: Windows, limit_s: float) -> list[PerfAnalyzerPoint]:
        with scratch("perf-analyzer") as made:
            folder = made.folder
            (folder / "input.json").write_text(self._data)
            command = [*launch_command(), str(self._program), "-v", "-i", "grpc"]
            command += ["-u", self._endpoint, "-m", self._model, "-b", str(batch), "--concurrency-range", concurrency]
            command += ["--input-data", str(folder / "input.json"), *windows.arguments()]
            ended = run_to_its_end(command, folder / "output", limit_s)
        points = read_points(ended.output, batch, ended.cpu_share)
        if ended.code not in (SETTLED, GAVE_UP) or not points:
            raise ServerError(f"perf_analyzer failed with code {ended.code}: {last_words(ended.output)}")
        return points


class PerfAnalyzerLoop:
    """Each slice is one run of three windows; it tells no latency of a single request."""

    slice_s, tells_all = 3.0, False

    def __init__(self, analyzer: PerfAnalyzer, batch: int, concurrency: int) -> None:
        self._analyzer, self._batch, self._concurrency = analyzer, batch, concurrency

    def warm_up(self) -> None:
        """Its own first window is not among those it counts."""

    def run(self, seconds: float) -> LoadSlice:
        """A run whose three windows take `seconds` together."""
        windows = Windows(seconds=seconds / WINDOWS, within_share=ANY, most=WINDOWS)
        point = self._analyzer.measure(self._batch, self._concurrency, windows, START_S + 3 * seconds)
        if point.images_per_s is None:
            raise ServerError(f"perf_analyzer gave the point up: {point.verdict_reason}")
        counted = point.images_per_s / self._batch * seconds
        return LoadSlice(round(counted), seconds, counted, seconds, [], point.client_cpu_share)
