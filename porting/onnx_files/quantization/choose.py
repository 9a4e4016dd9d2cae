"""The int8 file of one scheme: the best calibration, and what is too sensitive left in fp32."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from porting.common.console import Advance
from porting.onnx_files.quantization.fp32_file import Fp32File
from porting.onnx_files.quantization.int8_candidate import Int8Candidate
from porting.onnx_files.quantization.int8_format import Calibration, Int8Format
from porting.onnx_files.quantization.qdq import quantised_nodes
from profiler.common.errors import DnnPortingError

Progress = Callable[[str, int], AbstractContextManager[Advance]]


def choose(
    original: Fp32File, int8: Int8Format, calibrations: Sequence[Calibration], max_loss: float, progress: Progress
) -> Int8Candidate:
    """The candidate with the best validation accuracy, the first of equals.

    Where that loses more than `max_loss` of it, the most sensitive nodes stay fp32. Raises `DnnPortingError` where
    nothing can be quantised, or where neither the fp32 file nor any candidate tells one image from another.
    """
    original.check()
    best = best_calibration(original, int8, calibrations, progress)
    if not best.good(max_loss):
        best = with_fp32_nodes(original, best, max_loss, progress)
    if best.useless:
        raise DnnPortingError(
            f"every int8 candidate of {original.source} for scheme {int8.scheme} gives NaN or one answer to all "
            "validation images: leave the scheme out of quantize.schemes"
        )
    return best


def best_calibration(
    original: Fp32File, int8: Int8Format, calibrations: Sequence[Calibration], progress: Progress
) -> Int8Candidate:
    """Of the candidates with every node quantised."""
    count = len(original.nodes)
    with progress(f"{int8.scheme}: {count} nodes", len(calibrations)) as advance:
        found = []
        for calibration in calibrations:
            found.append(original.candidate(int8, calibration))
            advance(calibration)
    return min(found, key=badness)


def with_fp32_nodes(original: Fp32File, start: Int8Candidate, max_loss: float, progress: Progress) -> Int8Candidate:
    """The candidate with the fewest fp32 nodes, at most half of them, that loses `max_loss` or less, else the best.

    The number is bisected: nodes stay fp32 in the order of their sensitivity, so that more of them lose less.
    """
    ranked = by_sensitivity(original, start, progress)
    counts = range(1, len(ranked) // 2 + 1)
    tried = [start]
    with progress("nodes in fp32", len(counts).bit_length()) as advance:

        def enough(count: int) -> bool:
            tried.append(original.candidate(start.int8, start.calibration, ranked[:count]))
            advance(f"{count} of {len(ranked)}")
            return tried[-1].good(max_loss)

        bisect_left(counts, True, key=enough)
    good = [one for one in tried if one.good(max_loss)]
    return min(good, key=lambda one: len(one.fp32_nodes)) if good else min(tried, key=badness)


def by_sensitivity(original: Fp32File, start: Int8Candidate, progress: Progress) -> list[str]:
    """The nodes that are quantised, whatever they compute, the most sensitive one first.

    Sensitive is the node that moves the network's answers the most where it alone is quantised. Unlike the noise of
    its own output this counts what later layers make of it, and unlike the accuracy that is lost it is no whole
    number of images, so that it tells nodes apart on few of them.
    """
    nodes, moved = quantised_nodes(start.path), {}
    with progress("sensitivity", len(nodes)) as advance:
        for node in nodes:
            moved[node] = original.deviation(start.int8, start.calibration, node)
            advance(node)
    return sorted(moved, key=lambda node: -moved[node])


def badness(candidate: Int8Candidate) -> tuple[bool, float, int]:
    """What the best candidate has the least of."""
    return candidate.useless, candidate.loss, len(candidate.fp32_nodes)
