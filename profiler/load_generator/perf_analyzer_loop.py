"""perf_analyzer in the place of the built-in closed loop."""

from profiler.common.errors import ServerError
from profiler.load_generator.closed_loop import LoadSlice
from profiler.load_generator.perf_analyzer import PerfAnalyzer, Windows

WINDOWS = 3
# It calls a point stable when its last three windows agree; how far they may differ is judged here, over all slices.
ANY = 10.0
START_S = 20.0


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
