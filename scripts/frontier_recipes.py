"""The settings of the frontier's benchmark: base networks, the aims of each method, and the epochs of fine-tuning."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from figures import ROOT

from porting.configuration.aims import Aim
from porting.workspace.records import Variant

FOLDER = ROOT / "artifacts" / "frontier"
CRITERION, OTHERS = "hessian", ("nni_taylor", "torch_pruning_own")
# Each method has the same number of networks.
RATIOS = (0.3, 0.4, 0.5, 0.65, 0.75)


@dataclass(frozen=True)
class Family:
    """A base network, the experiment that trains it, and the goal of the speed-up at one point below its accuracy.

    `epochs` are those of fine-tuning, and `latencies` the shares of the latency for the pruned networks.
    """

    name: str
    experiment: str
    goal: float
    epochs: int
    latencies: tuple[float, ...]

    @property
    def workspace(self) -> Path:
        """A workspace of its own, because a stage uses every variant of a workspace."""
        return FOLDER / self.name

    def labels(self) -> set[str]:
        """The labels of pruning in the names of its pruned networks."""
        ours = {f"{CRITERION}-{Aim('latency', share).label}" for share in self.latencies}
        return ours | {f"{one.replace('_', '-')}-{Aim('ratio', ratio).label}" for one in OTHERS for ratio in RATIOS}

    def check(self, variants: Sequence[Variant]) -> None:
        """Ends the command for a variant of no recipe of this benchmark, or for two variants of one technique."""
        unrelated = [one.name for one in variants if not self.asks_for(one)]
        made = Counter(" ".join(one.technique) or "base" for one in variants)
        twice = [technique for technique, count in made.items() if count > 1]
        if unrelated or twice:
            what = (
                f"{unrelated[0]} and {len(unrelated) - 1} more, which are of other epochs or aims than are asked"
                if unrelated
                else f"two networks each of {', '.join(twice)}, from before and after a setting changed"
            )
            raise SystemExit(f"{self.workspace} holds {what}; move that folder away to start from the beginning")

    def asks_for(self, variant: Variant) -> bool:
        """Whether all prunings of a variant have aims of this benchmark, and all fine-tunings its epochs."""
        return all(
            (step.stage != "prune" or step.label in self.labels())
            and (step.stage != "finetune" or step.settings.get("epochs") == self.epochs)
            for step in variant.lineage
        )


FAMILIES = (
    Family("resnet", "cifar10_resnet20x2", goal=8.0, epochs=24, latencies=(0.55, 0.45, 0.36, 0.28, 0.2)),
    Family("densenet", "cifar10_densenet", goal=10.0, epochs=20, latencies=(0.4, 0.3, 0.2, 0.15, 0.1)),
)
