"""The targets that the stages of a run need, checked before hours of work."""

from porting.configuration.settings import Settings
from porting.jobs.context import built_target
from profiler.common.errors import BadInputError
from profiler.common.target import Target


def check_targets(settings: Settings) -> None:
    """Raises `BadInputError` with the fix where a stage of the run cannot measure on one of its targets here."""
    stages, found = settings.stages(), dict[str, Target]()
    if "profile" in stages:
        found |= {name: built_target(component) for name, component in settings.targets.items()}
    if "prune" in stages and settings.datamodule is not None and settings.pruners and settings.prune.is_measured:
        name, target = pruning_target(settings)
        check_operators_can_be_timed(name, target)
        found[name] = target
    if not found:
        return
    # A run without measurements needs no client of a server.
    from profiler.target.early_check import check_target

    for name, target in found.items():
        try:
            check_target(target)
        except BadInputError as error:
            raise type(error)(f"target {name}: {error}".replace("<name>", name)) from error


def check_operators_can_be_timed(name: str, target: Target) -> None:
    """Raises `BadInputError` for a target that does not serve with the timed kernels."""
    if target.runtime == "torch" or set(target.providers) != {"cpu"}:
        raise BadInputError(
            f"operators are timed for ONNX Runtime on the CPU, and target {name} serves with "
            f"runtime={target.runtime} providers=[{','.join(target.providers)}]: take prune.ratios with a "
            "prune.round_to such as 8, or another prune.target"
        )


def pruning_target(settings: Settings) -> tuple[str, Target]:
    """The name and the target of `prune.target`, or the only target; raises `BadInputError` for none."""
    targets, wanted = settings.targets, settings.prune.target
    if wanted is None and len(targets) == 1:
        wanted = next(iter(targets))
    if wanted not in targets:
        raise BadInputError(
            f"prune.target={wanted} is none of the run's targets: choose one of {', '.join(targets) or 'none'}, "
            "and add targets with target=[NAME,...]"
        )
    return wanted, built_target(targets[wanted])
