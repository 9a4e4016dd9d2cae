"""The range of each activation that 8 bits cover, from calibration images."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization.calibrate import HistogramCollector, TensorsData, create_calibrator

from porting.common.console import silenced
from porting.onnx_files.quantization.int8_format import Calibration
from porting.onnx_files.quantization.qdq import OPERATORS
from profiler.common.scratch import scratch
from profiler.runtimes.session import input_tensor, open_session

METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}
OPTIONS: dict[Calibration, dict[str, Any]] = {
    "minmax": {},
    # The default has as many bins as levels, so that the whole range is the only choice. More than four bins for each
    # level give the same accuracy, and the time of the search grows with the square of their number.
    "entropy": {"num_bins": 512, "num_quantized_bins": 128},
    "percentile": {"num_bins": 2048, "percentile": 99.99},
}


class OneBatch:
    """A calibration data reader that gives one batch."""

    def __init__(self, feed: dict[str, np.ndarray]) -> None:
        self._feeds = iter([feed])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The batch at the first call, `None` after that."""
        return next(self._feeds, None)


def activation_ranges(path: Path, batches: Sequence[np.ndarray], calibration: Calibration) -> TensorsData:
    """The ranges of all activations of a prepared file over batches (N, C, H, W).

    The method minmax covers all values. The method entropy loses the least information (Migacz, 8-bit inference
    with TensorRT, GTC 2017). The method percentile covers the smallest 99.99 % of the magnitudes (Wu et al.,
    arXiv:2004.09602).
    """
    name = input_tensor(open_session(path, threads=1)).name
    with scratch("ranges") as made, silenced(logging.WARNING):
        calibrator = create_calibrator(
            path,
            OPERATORS,
            augmented_model_path=str(made.folder / "augmented.onnx"),
            calibrate_method=METHODS[calibration],
            extra_options=OPTIONS[calibration],
        )
        if calibration == "entropy":
            calibrator.collector = empty_histograms(activation_ranges(path, batches, "minmax"))
        for batch in batches:
            # The calibrator holds every activation of one call in memory.
            calibrator.collect_data(OneBatch({name: batch}))
        return calibrator.compute_data()


def empty_histograms(ranges: TensorsData) -> HistogramCollector:
    """Empty histograms over the whole ranges, as the calibrator adds bins where a later batch exceeds the first."""
    options = OPTIONS["entropy"]
    collector = HistogramCollector("entropy", False, **options, percentile=None, scenario=None)
    for name, tensor in ranges.items():
        low, high = (np.float32(np.squeeze(end)) for end in tensor.range_value)
        widest = np.maximum(abs(low), abs(high))
        edges = np.linspace(-widest, widest, options["num_bins"] + 1, dtype=np.float32)
        collector.histogram_dict[name] = (np.zeros(options["num_bins"], dtype=np.int64), edges, low, high, widest)
    return collector
