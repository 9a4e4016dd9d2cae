"""Reading a published repository: pydantic, and nothing of torch."""

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from porting.repository.schema import Details, Index, Published, Standing
from profiler.errors import BadInputError

INDEX, DETAILS = "repository.json", "variant.json"
COSTS = ("max_throughput", "latency", "flops", "parameters", "file_bytes")
Cost = Literal["max_throughput", "latency", "flops", "parameters", "file_bytes"]


class Repository:
    """A published repository: its index in memory, the details of a variant when they are asked for."""

    def __init__(self, root: Path, index: Index) -> None:
        self.root, self.index = root, index

    @classmethod
    def load(cls, root: str | Path) -> "Repository":
        """Reads the index; raises `BadInputError` where the folder holds no valid one."""
        # One real path for all reads: the link may move to another repository meanwhile.
        folder = Path(root).resolve()
        try:
            index = Index.model_validate_json((folder / INDEX).read_bytes())
        except OSError as error:
            raise BadInputError(f"{root} holds no {INDEX}: publish one with dnn-porting stage=publish") from error
        except ValidationError as error:
            first = error.errors()[0]
            raise BadInputError(f"{root}/{INDEX} is not valid at {first['loc']}: {first['msg']}") from error
        return cls(folder, index)

    def __repr__(self) -> str:
        return f"Repository({len(self.index.variants)} variants of {', '.join(self.tasks)} at {self.root})"

    @property
    def variants(self) -> list[Published]:
        """Every variant that can be served."""
        return list(self.index.variants)

    @property
    def tasks(self) -> list[str]:
        return sorted({variant.task for variant in self.index.variants})

    @property
    def targets(self) -> list[str]:
        return sorted(self.index.targets)

    def variant(self, name: str) -> Published:
        """One variant of the index; raises `BadInputError` for a name that is not in it."""
        for variant in self.index.variants:
            if variant.name == name:
                return variant
        raise BadInputError(f"no variant {name!r}: choices are {', '.join(v.name for v in self.index.variants)}")

    def details(self, name: str) -> Details:
        """Full profiles and provenance of a variant; raises `BadInputError` where the file is not the indexed one."""
        path = self.root / self.variant(name).name / DETAILS
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.variant(name).details_sha256:
            raise BadInputError(f"{path} is not the file that the index speaks of: publish again")
        return Details.model_validate_json(content)

    def frontier(self, task: str, target: str, cost: Cost = "max_throughput") -> list[Published]:
        """The published variants that none of them dominates in validation accuracy and `cost`, most accurate first.

        `max_throughput` goes by the intervals, as at publication; the other costs go by their point values, and
        a variant of unknown accuracy comes last. Raises `BadInputError` for an unknown task, target or cost.
        """
        for value, choices, what in (
            (task, self.tasks, "task"),
            (target, self.targets, "target"),
            (cost, COSTS, "cost"),
        ):
            if value not in choices:
                raise BadInputError(f"unknown {what} {value!r}: choices are {', '.join(choices)}")
        measured = [v for v in self.index.variants if v.task == task and target in v.targets]
        if cost == "max_throughput":
            chosen = [variant for variant in measured if variant.targets[target].on_frontier]
        else:
            points = {v.name: (accuracy_of(v), -cost_of(v.targets[target], cost)) for v in measured}
            chosen = [v for v in measured if not any(beats(points[o.name], points[v.name]) for o in measured)]
        return sorted(chosen, key=accuracy_of, reverse=True)


def accuracy_of(variant: Published) -> float:
    """Validation accuracy; unknown comes last."""
    return variant.validation_accuracy.value if variant.validation_accuracy else -1.0


def cost_of(standing: Standing, cost: Cost) -> float:
    """The value of a cost metric, lower is better; an unknown one is infinite."""
    if cost == "latency":
        return standing.latency_batch_1_p50_ms or float("inf")
    value: float | None = getattr(standing.complexity, cost)
    return float("inf") if value is None else value


def beats(a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether `a` is at least as good in both and not equal."""
    return a != b and a[0] >= b[0] and a[1] >= b[1]
