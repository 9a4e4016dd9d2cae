"""An exponential moving average of the weights, which is what is validated and kept."""

from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


def kept_share(decay: float, seen: int) -> float:
    """What a step leaves of the average: less than `decay` at first, or it would long hold the beginning."""
    return min(decay, (1 + seen) / (10 + seen))


class MovingAverage(WeightAveraging):
    """Over every step, of the weights and of the statistics of batch normalisation."""

    def __init__(self, decay: float) -> None:
        def average(averaged: list[Tensor], current: list[Tensor], seen: Tensor) -> None:
            share = kept_share(decay, int(seen))
            get_ema_multi_avg_fn(share)(averaged, current, seen)  # type: ignore[no-untyped-call]

        super().__init__(multi_avg_fn=average)
