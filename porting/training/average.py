"""An exponential moving average of the weights, which is what is validated and kept."""

from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


class MovingAverage(WeightAveraging):
    """Keeps `decay` of the average at each step; less at first, (1 + n) / (10 + n), or it would hold the beginning."""

    def __init__(self, decay: float) -> None:
        def average(averaged: list[Tensor], current: list[Tensor], n: Tensor) -> None:
            keep = min(decay, (1 + int(n)) / (10 + int(n)))
            get_ema_multi_avg_fn(keep)(averaged, current, n)  # type: ignore[no-untyped-call]

        super().__init__(multi_avg_fn=average)
