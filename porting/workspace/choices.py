"""The choices by validation figures in the lineage of a variant, which make its validation accuracy optimistic."""

from collections.abc import Iterable

from porting.repository.schema import Accuracy, Step

# The number of networks of which the most accurate was tuned, in the settings of a step of stage finetune.
COMPARED = "pruned_networks_compared"
# The stages that train a network and keep its best epoch.
FITTED = ("train", "finetune")


def with_choices(accuracy: Accuracy | None, lineage: Iterable[Step]) -> Accuracy | None:
    """The validation accuracy with the choices that were made by it."""
    chosen_by = [choice for step in lineage for choice in choices(step)]
    return None if accuracy is None else accuracy.model_copy(update={"chosen_by": chosen_by})


def choices(step: Step) -> list[str]:
    """The choices of one step, from its settings."""
    given = step.settings
    epochs = given.get("epochs") if step.stage in FITTED else given.get("step_epochs")
    calibrations, fp32_nodes = given.get("calibrations"), given.get("fp32_nodes")
    counted = {
        "epochs": epochs,
        "pruned networks": given.get(COMPARED),
        "calibrations": len(calibrations) if isinstance(calibrations, list) else 0,
    }
    found = [
        f"{step.stage}: the best of {'at most ' if what == 'epochs' else ''}{count} {what}"
        for what, count in counted.items()
        if isinstance(count, int) and count > 1
    ]
    kept = len(fp32_nodes) if isinstance(fp32_nodes, list) else 0
    return [*found, f"{step.stage}: {kept} nodes stay in fp32"] if kept else found
