"""The work of the stage profile: measures one variant on one target at one level."""

from collections.abc import Iterator, Sequence
from contextlib import closing

from porting.common.console import progress, say
from porting.jobs.context import Context, ReadyTargets
from porting.jobs.job import Job
from porting.stages.profile import Profiled
from porting.stages.servable import forget_unservable
from porting.workspace.records import Variant
from porting.workspace.workspace import ONNX
from profiler.measure.capacity.goal import usual_deadlines_ms
from profiler.plan import plan
from profiler.profiling import profile_file
from profiler.records.capacity import deadlines_ms
from profiler.records.complexity import Fingerprint
from profiler.records.profile import Profile


def run(context: Context, job: Job) -> Variant:
    """Measures the variant, and returns it."""
    one, workspace = Profiled.of(context, job), context.workspace
    wait_s = context.settings.profile.wait
    targets = context.once("targets", lambda: context.stack.enter_context(closing(ReadyTargets(wait_s))))
    ready = targets.get(one.name, one.target)
    workspace.check_files(one.variant)
    warn_of_another_file(one)
    forget_unservable(workspace, one.variant.task, one.name, one.target)
    ready.learn(earlier_profiles(context, one.name, ready.fingerprint))
    path = workspace.folder(one.variant) / ONNX
    title = f"{one.variant.name} on {one.name}"
    with progress(title, len(plan(one.level, one.visit))) as advance:
        found = one.found()
        # A profile from another machine, with another speed, is not completed.
        begun = None if found is None or found.adopted else found
        level = one.level.with_usual_deadlines_ms(common_deadlines_ms(of_task(one))) if one.visit == 1 else one.level
        beside = one.co_runner() if one.level.contention else None
        profile = profile_file(ready, path, level, begun, one.files().write, advance, one.visit, beside)
        if line := profile.disturbance(one.visit):
            say(f"profile   {title}: {line}")
    return one.variant


def warn_of_another_file(one: Profiled) -> None:
    """Prints a line where the existing profile is of another file than the variant."""
    lying = one.context.workspace.all_profiles(one.variant).get(one.name)
    if lying is not None and lying.onnx_sha256 != one.file.sha256:
        say(f"profile   {one.files().record} is of another file than {one.variant.name}: it is measured again")


def of_task(one: Profiled) -> list[Profile]:
    """The profiles of all variants of the task on the target."""
    workspace = one.context.workspace
    found = (workspace.profiles(variant).get(one.name) for variant in workspace.variants(one.variant.task))
    return [profile for profile in found if profile is not None]


def common_deadlines_ms(profiles: Sequence[Profile]) -> list[float] | None:
    """The default deadlines in ms of the variants with these profiles: earlier ones, or else by the slowest variant.

    `None` where no variant has a known latency.
    """
    for profile in sorted(profiles, key=lambda each: each.measured_at):
        default = any(part.name == "capacity" and part.settings.get("deadlines_ms") is None for part in profile.parts)
        measured_ms = deadlines_ms([*profile.own(profile.load), *profile.own(profile.capacity)])
        if default and measured_ms:
            return measured_ms
    latencies = [point for profile in profiles if (point := profile.latency_at(1)) is not None]
    slowest_ms = max((point.p50_ms or point.mean_ms for point in latencies), default=None)
    return None if slowest_ms is None else usual_deadlines_ms(slowest_ms)


def earlier_profiles(context: Context, target: str, fingerprint: Fingerprint) -> Iterator[Profile]:
    """The profiles of this target that were measured on this machine; adopted ones are of others."""
    for task in context.workspace.tasks():
        for variant in context.workspace.variants(task):
            profile = context.workspace.profiles(variant).get(target)
            if profile is not None and not profile.adopted and profile.fingerprint == fingerprint:
                yield profile
