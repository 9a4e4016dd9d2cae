"""The search for the int8 file of one scheme: the best calibration, with the most sensitive nodes in fp32."""

from bisect import bisect_left
from collections.abc import Sequence

from porting.common.console import progress
from porting.onnx_files.quantization.fp32_file import Fp32File
from porting.onnx_files.quantization.int8_candidate import Int8Candidate
from porting.onnx_files.quantization.int8_format import Calibration, Int8Format
from porting.onnx_files.quantization.qdq import quantised_nodes
from profiler.common.errors import DnnPortingError


def choose(
    fp32_file: Fp32File, int8: Int8Format, calibrations: Sequence[Calibration], max_loss: float
) -> Int8Candidate:
    """Returns the candidate with the best validation accuracy, the first of equals.

    Where this candidate loses more than `max_loss` of accuracy, the most sensitive nodes stay fp32. Raises
    `DnnPortingError` where no node can be quantised, and where the fp32 file or all candidates give useless answers.
    """
    fp32_file.check()
    best = best_calibration(fp32_file, int8, calibrations)
    if not best.good(max_loss):
        best = with_fp32_nodes(fp32_file, best, max_loss)
    if best.useless:
        raise DnnPortingError(
            f"every int8 candidate of {fp32_file.source} for scheme {int8.scheme} gives NaN or one answer to all "
            "validation images: leave the scheme out of quantize.schemes"
        )
    return best


def best_calibration(fp32_file: Fp32File, int8: Int8Format, calibrations: Sequence[Calibration]) -> Int8Candidate:
    """The best of the candidates with every node quantised, one for each calibration."""
    with progress(f"{int8.scheme}: {len(fp32_file.nodes)} nodes", len(calibrations)) as advance:
        found = []
        for calibration in calibrations:
            found.append(fp32_file.candidate(int8, calibration))
            advance(calibration)
    return min(found, key=sort_key)


def with_fp32_nodes(fp32_file: Fp32File, start: Int8Candidate, max_loss: float) -> Int8Candidate:
    """The candidate with the fewest fp32 nodes that loses at most `max_loss`, or else the best one.

    At most half of the nodes stay fp32, in the order of their sensitivity, and their number is bisected: the more nodes
    stay, the less accuracy is lost.
    """
    ranked = by_sensitivity(fp32_file, start)
    counts = range(1, len(ranked) // 2 + 1)
    tried = [start]
    with progress("nodes in fp32", len(counts).bit_length()) as advance:

        def enough(count: int) -> bool:
            tried.append(fp32_file.candidate(start.int8, start.calibration, ranked[:count]))
            advance(f"{count} of {len(ranked)}")
            return tried[-1].good(max_loss)

        bisect_left(counts, True, key=enough)
    good = [one for one in tried if one.good(max_loss)]
    return min(good, key=lambda one: len(one.fp32_nodes)) if good else min(tried, key=sort_key)


def by_sensitivity(fp32_file: Fp32File, start: Int8Candidate) -> list[str]:
    """The names of the quantised nodes, the most sensitive one first.

    The sensitivity of a node is the change of the network's answers where this node alone is quantised. It includes the
    effect of later layers, and, unlike a loss of accuracy, it differs between nodes even for few images.
    """
    nodes, moved = quantised_nodes(start.path), {}
    with progress("sensitivity", len(nodes)) as advance:
        for node in nodes:
            moved[node] = fp32_file.deviation(start.int8, start.calibration, node)
            advance(node)
    return sorted(moved, key=lambda node: -moved[node])


def sort_key(candidate: Int8Candidate) -> tuple[bool, float, int]:
    """The sort key of candidates: the best one has the smallest."""
    return candidate.useless, candidate.loss, len(candidate.fp32_nodes)
