"""Communication latencies over a trace of bandwidth, and the remaining deadlines."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from orchestrators.planners.common import MS_PER_S
from profiler.common.errors import BadInputError


def remaining_ms(
    slo_ms: float, sent_s: ArrayLike, size_bytes: ArrayLike, time_s: ArrayLike, bytes_per_s: ArrayLike
) -> NDArray[np.float64]:
    """The rest of the SLO at the arrival of each request, negative for a late one; see `communication_ms`."""
    return slo_ms - communication_ms(sent_s, size_bytes, time_s, bytes_per_s)


def communication_ms(
    sent_s: ArrayLike, size_bytes: ArrayLike, time_s: ArrayLike, bytes_per_s: ArrayLike
) -> NDArray[np.float64]:
    """The time in ms that each request takes over the changing bandwidth, (requests,).

    `bytes_per_s[i]` held up to `time_s[i]`, from `time_s[i - 1]` on and from 0 for the first; then the trace starts
    over. Each request has the whole link. The published generator divides the size by the bandwidth of a single second,
    however long the transfer takes. Raises `BadInputError` for times that do not rise, a
    bandwidth below 0 or 0 throughout, a size that is not positive, and a negative `sent_s`.
    """
    sent, size = np.asarray(sent_s, dtype=float), np.asarray(size_bytes, dtype=float)
    edges, rates = np.concatenate(([0.0], np.asarray(time_s, dtype=float))), np.asarray(bytes_per_s, dtype=float)
    check(sent, size, edges, rates)
    carried = np.concatenate(([0.0], np.cumsum(rates * np.diff(edges))))
    period_s, period_bytes = edges[-1], carried[-1]
    begun, within = np.divmod(sent, period_s)
    target = np.interp(within, edges, carried) + size
    # In (0, bytes of a period], so that the arrival is the first moment at which all bytes are there.
    rounds = np.ceil(target / period_bytes) - 1
    rest = np.minimum(target - rounds * period_bytes, period_bytes)
    last = np.clip(np.searchsorted(carried, rest, side="left"), 1, len(rates)) - 1
    arrived = edges[last] + (rest - carried[last]) / np.where(rates > 0, rates, np.inf)[last]
    taken_ms: NDArray[np.float64] = MS_PER_S * ((begun + rounds) * period_s + arrived - sent)
    return taken_ms


def check(
    sent: NDArray[np.float64], size: NDArray[np.float64], edges: NDArray[np.float64], rates: NDArray[np.float64]
) -> None:
    """Raises `BadInputError` for an invalid trace or request."""
    if len(rates) != len(edges) - 1 or len(rates) == 0:
        raise BadInputError(f"{len(edges) - 1} times and {len(rates)} bandwidths: give one of each, and at least one")
    if not (edges[1:] > edges[:-1]).all():
        raise BadInputError("the times of a bandwidth trace must rise from above 0: sort them and drop repeated ones")
    if not (rates >= 0).all() or not rates.any():
        raise BadInputError(f"bandwidths of {rates.min():g} to {rates.max():g} bytes/s: none below 0, and some above")
    if not (size > 0).all() or not (sent >= 0).all():
        raise BadInputError(
            f"sizes from {size.min():g} bytes, sent from {sent.min():g} s on: give sizes above 0 and times from 0 on"
        )
