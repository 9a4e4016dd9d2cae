"""profile: measures every exported variant on every target, one target and one variant at a time."""

from collections.abc import Sequence
from contextlib import ExitStack

from porting.components import Component
from porting.context import Context, Job
from porting.files import packed, write_atomically
from porting.records import OnnxFile, Variant
from porting.workspace import ONNX
from profiler.errors import BadInputError
from profiler.identity import measurement_key
from profiler.level import QuickSettings
from profiler.quick import Bench, bench
from profiler.records.fingerprint import Fingerprint
from profiler.records.profile import Profile
from profiler.target import Target

PARTS = 4


class Benches:
    """The targets that are ready; the one in use is taken down when another one is needed."""

    def __init__(self, settings: QuickSettings) -> None:
        self._settings, self._stack, self._name = settings, ExitStack(), ""

    def get(self, name: str, target: Target) -> Bench:
        if self._name != name:
            self.close()
            self._bench = self._stack.enter_context(bench(name, target, self._settings))
            self._name = name
        return self._bench

    def close(self) -> None:
        self._name = ""
        self._stack.close()


def jobs(context: Context, pool: Sequence[Variant]) -> list[Job]:
    """One for each target and exported variant."""
    if not context.settings.targets:
        raise BadInputError("stage profile needs a target: choose one with target=NAME")
    benches = Benches(context.settings.profile)
    context.stack.callback(benches.close)
    return [
        job(context, benches, name, built(component), variant, variant.onnx)
        for name, component in context.settings.targets.items()
        for variant in pool
        if variant.onnx is not None
    ]


def built(component: Component) -> Target:
    """The target of a config; raises `BadInputError` where it is something else."""
    target = component.build()
    if not isinstance(target, Target):
        raise BadInputError(f"{component.target} gives a {type(target).__name__}, not a profiler.target.Target")
    return target


def job(context: Context, benches: Benches, name: str, target: Target, variant: Variant, file: OnnxFile) -> Job:
    """The profile of one variant on one target."""
    workspace = context.workspace
    path = workspace.profile_path(variant, name)

    def reuse() -> Variant | None:
        found = workspace.profiles(variant).get(name)
        key = measurement_key(file.sha256, target, context.settings.profile)
        return variant if found is not None and found.key == key else None

    def run() -> Variant:
        ready = benches.get(name, target)
        workspace.check_files(variant)
        reference = reference_per_s(context, name, ready.fingerprint)
        with context.progress(f"{variant.name} on {name}", PARTS) as advance:
            profile, samples = ready.profile(workspace.folder(variant) / ONNX, file.sha256, reference, advance)
        raw = workspace.folder(variant) / "samples" / f"{name}.npz"
        for folder in (path.parent, raw.parent):
            folder.mkdir(exist_ok=True)
        write_atomically(raw, packed(samples))
        write_atomically(path, profile.model_dump_json(indent=1))
        return variant

    return Job(title=f"profile {variant.name} on {name}", reuse=reuse, run=run)


def reference_per_s(context: Context, target: str, fingerprint: Fingerprint) -> float | None:
    """The probe's rate in the first profile of this target on this machine, if there is one yet."""
    found: list[Profile] = []
    for task in context.workspace.tasks():
        for variant in context.workspace.variants(task):
            profile = context.workspace.profiles(variant).get(target)
            if profile is not None and profile.fingerprint == fingerprint:
                found.append(profile)
    return min(found, key=lambda profile: profile.measured_at).probe_reference_per_s if found else None
