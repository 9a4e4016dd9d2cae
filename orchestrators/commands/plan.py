"""plan: the plans of published planners for a repository, as a table and as JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from omegaconf import DictConfig
from pydantic import BaseModel, ConfigDict, Field

from orchestrators.commands.prepared import check_chosen, repository_of, validated
from orchestrators.deployment import Deployment, Infeasible
from orchestrators.planners.common import PlanBase, checked, located
from porting.command_line.dispatch import configured
from porting.common.console import say, table
from porting.configuration.components import Component
from porting.repository import Repository
from profiler.common.errors import BadInputError, DnnPortingError
from profiler.common.files import write_atomically

SHOWN = ("task", "variant", "replicas", "cores", "batch", "rate_rps")


class Settings(BaseModel):
    """The settings that all planners share."""

    model_config = ConfigDict(frozen=True)
    repository: str
    deadline_ms: float = Field(gt=0)
    max_cores: float = Field(gt=0)
    output: Path
    planners: dict[str, Component] = Field(min_length=1)


def run(arguments: Sequence[str]) -> None:
    """Runs the command with `conf/plan.yaml` and the overrides on the command line."""
    configured("plan", arguments, plan)


def plan(config: DictConfig) -> None:
    """Plans with every chosen planner; raises the first error where all of them fail."""
    settings, repository = prepared(config)
    outcomes: dict[str, PlanBase | DnnPortingError] = {}
    predicted: dict[str, list[str]] = {}
    for name, component in settings.planners.items():
        repository.predicted.clear()
        try:
            check_chosen(name, component, repository)
            outcomes[name] = solved(component, repository)
        except (Infeasible, BadInputError) as error:
            outcomes[name] = error
        predicted[name] = list(repository.predicted)
    plans = {name: plan for name, plan in outcomes.items() if isinstance(plan, PlanBase)}
    if not plans:
        raise next(error for error in outcomes.values() if isinstance(error, DnnPortingError))
    write(settings.output, outcomes, predicted)
    if len(outcomes) > 1:
        compare(outcomes, repository)
    else:
        show(*next(iter(plans.items())))
    for line in dict.fromkeys(line for lines in predicted.values() for line in lines):
        say(f"not measured   {line}")
    say(f"as JSON   {settings.output}")


def prepared(config: DictConfig) -> tuple[Settings, Repository]:
    """The settings with task, target and tasks filled in, and the repository."""
    repository = repository_of(config)
    for key, choices in (("task", repository.tasks), ("target_name", repository.targets)):
        if config[key] is None and len(choices) == 1:
            config[key] = choices[0]
    if config.tasks is None:
        config.tasks = repository.tasks if config.task is None else [config.task]
    return validated(config, Settings), repository


def solved(component: Component, repository: Repository) -> PlanBase:
    """The plan of the planner that a config names; raises the errors of the planner."""
    planner = located(component.target)
    return checked(planner.solve(component.build(repository=repository)), component.target)


def show(name: str, plan: PlanBase) -> None:
    """Prints the deployments of one plan and its single figures; the JSON has the rest."""
    rows = [[str(getattr(one, field)) for field in SHOWN] for one in plan.deployments]
    if rows:
        table(f"{name} deploys", list(SHOWN), rows)
    for field, value in plan.model_dump(mode="json").items():
        if isinstance(value, int | float | str):
            say(f"{field:24}{value if isinstance(value, str) else f'{value:.6g}'}")


def compare(outcomes: Mapping[str, PlanBase | DnnPortingError], repository: Repository) -> None:
    """Prints a table with a row for each planner."""
    rows = []
    for name, plan in outcomes.items():
        if not isinstance(plan, PlanBase):
            rows.append([name, "", "", str(plan)])
            continue
        found = plan.deployments
        accuracy = f"{delivered(found, repository):.4f}" if found else ""
        words = ", ".join(f"{one.replicas} × {one.variant} ({one.cores:g} cores, batch {one.batch})" for one in found)
        objective = plan.model_dump().get("objective")
        rows.append([name, accuracy, "" if objective is None else f"{objective:.4g}", words])
    table("planners", ["planner", "accuracy", "objective", "deployments, or the reason without any"], rows)


def delivered(found: list[Deployment], repository: Repository) -> float:
    """The mean validation accuracy over the demand; over the deployments where there is no demand."""
    total = sum(one.rate_rps for one in found)
    weights = [one.rate_rps / total if total else 1 / len(found) for one in found]
    accuracies = [repository.variant(one.variant).validation_accuracy for one in found]
    return sum(weight * one.value for weight, one in zip(weights, accuracies, strict=True) if one)


def write(
    path: Path, outcomes: Mapping[str, PlanBase | DnnPortingError], predicted: Mapping[str, Sequence[str]]
) -> None:
    """Writes the plan of each planner with its deployments, or the reason why there is none, as JSON.

    `predicted` has the times by planner that no load measured.
    """
    import json

    content = {
        name: {
            **plan.model_dump(mode="json"),
            "deployments": [one.model_dump() for one in plan.deployments],
            "predicted": predicted[name],
        }
        if isinstance(plan, PlanBase)
        else {"infeasible": str(plan)}
        for name, plan in outcomes.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(content, indent=1) + "\n")
