"""The latency that one client of a server sees, with as many inferences as the part latency has."""

from collections.abc import Sequence

from profiler.common.profile_settings import LatencySettings
from profiler.measure.latency.part import outdate, wanted_s
from profiler.measure.ledger import Ledger
from profiler.measure.measurement import Measurement, Measurements
from profiler.measure.throughput.meter import ThroughputMeter
from profiler.measure.throughput.part import OVERHEAD_S, SEARCH_SLICES
from profiler.records.latency import LatencyPoint
from profiler.target.model_under_test import ModelUnderTest

# A slice of load has a slice of the reference beside it, and an end whose answers do not count.
WITH_REFERENCE = 1.5


def measurements(model: ModelUnderTest, settings: LatencySettings, ledger: Ledger) -> Measurements:
    """The points of one caller that the sweep over concurrency measured with too few inferences, measured again."""
    own = [one for one in ledger.of(LatencyPoint) if (one.runtime, one.resources) == (model.runtime, model.own)]
    for point in (one for one in own if one.concurrency == 1 and outdate(ledger, one.place, settings)):
        seconds = wanted_s(settings, point.mean_ms / 1e3) * WITH_REFERENCE

        def measure(batch: int = point.batch, seconds: float = seconds) -> Sequence[LatencyPoint]:
            meter = ThroughputMeter(model, model.own)
            return list(meter.latency(meter.run(batch, 1, seconds, SEARCH_SLICES)))

        yield Measurement(LatencyPoint, point.place, OVERHEAD_S + seconds, measure)
