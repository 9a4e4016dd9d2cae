"""Where the target does its best."""

from profiler.measure.ledger import Ledger
from profiler.records.throughput import MaximalThroughput
from profiler.target.model_under_test import Subject


def own_maximum(subject: Subject, ledger: Ledger) -> MaximalThroughput | None:
    """The maximum over all batches on the target's own resources, `None` where none could be had."""
    own = subject.bench.target.resources
    points = [
        point
        for point in ledger.of(MaximalThroughput)
        if (point.cores, point.threads, point.instances) == (own.cores, own.threads, own.instances)
    ]
    return max(points, key=lambda point: point.corrected_images_per_s, default=None)
