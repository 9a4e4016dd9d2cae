"""Every policy that can be compared on a scene, by its name."""

from collections.abc import Callable, Mapping

from orchestrators.deployment import Deployment
from orchestrators.simulation.baselines import Fixed, Replicas, Vertical, largest, smallest
from orchestrators.simulation.machines import Machines, Signal
from orchestrators.simulation.planners import PLANNERS, start_up_s
from orchestrators.simulation.policy import Policy
from orchestrators.simulation.scene import Scene
from profiler.common.errors import BadInputError


def fixed(name: str, variants: Callable[[Scene], Mapping[str, str]]) -> Callable[[Scene], Policy]:
    """One version of each task, all on the target's own cores."""

    def policy(scene: Scene) -> Policy:
        return Fixed(name, [
            Deployment(task=task, variant=variant, cores=scene.own_cores, rate_rps=0)
            for task, variant in variants(scene).items()
        ])  # fmt: skip

    return policy


def replicas(scene: Scene) -> Policy:
    """The largest version, each on one core, on the fewest above that were measured, or on what a task's part has."""
    variants = largest(scene.catalogue)
    cores = max(
        min(
            (one for one in scene.measured_cores(task, name, scene.share_cores) if one >= 1),
            default=scene.reserved_cores(task, name),
        )
        for task, name in variants.items()
    )
    capacity_rps = {task: scene.capacity_rps(task, name, cores) for task, name in variants.items()}
    return Replicas(variants, capacity_rps, cores, max(1, int(scene.share_cores / cores)), scene.first_rps)


def vertical(scene: Scene) -> Policy:
    """The largest version, on the measured cores within the task's part of the box."""
    variants = largest(scene.catalogue)
    capacity_rps = {
        task: {
            cores: scene.capacity_rps(task, name, cores)
            for cores in scene.measured_cores(task, name, scene.share_cores)
        }
        for task, name in variants.items()
    }
    return Vertical(variants, capacity_rps, scene.first_rps)


def machines(signal: Signal) -> Callable[[Scene], Policy]:
    """The largest version, each machine a target as it was profiled."""

    def policy(scene: Scene) -> Policy:
        variants, cores = largest(scene.catalogue), scene.own_cores
        capacity_rps = {task: scene.capacity_rps(task, name, cores) for task, name in variants.items()}
        return Machines(signal, variants, capacity_rps, cores, start_up_s(scene), scene.first_rps)

    return policy


POLICIES: dict[str, Callable[[Scene], Policy]] = {
    "smallest": fixed("smallest", lambda scene: smallest(scene.catalogue, scene.own_cores)),
    "largest": fixed("largest", lambda scene: largest(scene.catalogue)),
    "replicas": replicas,
    "vertical": vertical,
    "reactive_vms": machines("demand"),
    "utilisation_vms": machines("use"),
    **PLANNERS,
}


def policy(name: str, scene: Scene) -> Policy:
    """Raises `BadInputError` for an unknown name, and where the scene lacks what the policy reads."""
    if name not in POLICIES:
        raise BadInputError(f"no policy {name!r}: choices are {', '.join(POLICIES)}")
    return POLICIES[name](scene)
