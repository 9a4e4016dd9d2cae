"""The command adopt: adds a profile from another machine to its variant."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import from_json

from porting.common.console import say
from porting.repository.consistency import check_numbers
from porting.workspace.records import Variant
from porting.workspace.workspace import Workspace
from profiler.common.archives import Samples
from profiler.common.door import refused
from profiler.common.errors import BadInputError
from profiler.common.files import read_record
from profiler.records.profile import Profile
from profiler.records.profile_files import ProfileFiles, owner

FIX = "give the profile that 'python -m profiler' wrote"


@dataclass(frozen=True)
class ForeignProfile:
    """A profile from another machine with its raw samples, and the variants with its ONNX file."""

    path: Path
    profile: Profile
    samples: Samples
    owners: list[Variant]


def run(arguments: Sequence[str]) -> None:
    """Adds profiles that 'python -m profiler' wrote on another machine to the workspace, for stage=publish."""
    parser = argparse.ArgumentParser(prog="dnn-porting adopt", description=run.__doc__)
    parser.add_argument("profiles", type=Path, nargs="+", metavar="PROFILE.json")
    parser.add_argument("--workspace", type=Path, default=Path("artifacts"))
    parser.add_argument("--target", help="the name of the target (default: the name in the profile)")
    options = parser.parse_args(arguments)
    workspace = Workspace(options.workspace)
    variants = [variant for task in workspace.tasks() for variant in workspace.variants(task)]
    everything = [read_foreign(path, variants, options.target, workspace) for path in options.profiles]
    check_fingerprints(workspace, variants, everything)
    for one in everything:
        for variant in one.owners:
            with workspace.writing(variant.task):
                store(workspace, variant, one)
            say(f"{variant.name} now has a profile on {one.profile.target_name}: publish it with stage=publish")


def read_foreign(path: Path, variants: Sequence[Variant], target: str | None, workspace: Workspace) -> ForeignProfile:
    """Reads a profile with its samples; raises `BadInputError` where it is damaged or no variant has its file."""
    profile, files = read_profile(path, target), ProfileFiles(path, path.with_suffix(".npz"))
    whose, samples = files.read_samples()
    if whose not in ("", owner(profile)):
        raise BadInputError(f"{files.samples} holds the samples of another profile than {path}: remove it")
    owners = [one for one in variants if one.onnx is not None and one.onnx.sha256 == profile.onnx_sha256]
    if not owners:
        raise BadInputError(
            f"{path} is of a file with sha256 {profile.onnx_sha256}, which no variant in {workspace.root} has: "
            "give the workspace of the variant with --workspace"
        )
    return ForeignProfile(path, profile, samples, owners)


def read_profile(path: Path, target: str | None) -> Profile:
    """Reads an untrusted profile; raises `BadInputError` for a damaged one and for an invalid target name."""

    profile = read_record(path, Profile, FIX)
    try:
        check_numbers(from_json(profile.model_dump_json()))
        return Profile.model_validate(dict(profile) | {"adopted": True, "target_name": target or profile.target_name})
    except ValidationError as error:
        raise BadInputError(f"--target {target}: a target's name has letters, digits, '_' and '-'") from error
    except ValueError as error:
        raise refused(str(path), "", str(error), FIX) from error


def check_fingerprints(workspace: Workspace, variants: Sequence[Variant], everything: Sequence[ForeignProfile]) -> None:
    """Raises `BadInputError` where one name of a target has profiles of two machines or two settings."""
    measured = [(one.name, profile) for one in variants for profile in workspace.all_profiles(one).values()]
    for one in everything:
        name, theirs = one.profile.target_name, one.profile.fingerprint
        for whose, there in measured:
            if there.target_name == name and there.fingerprint != theirs:
                differing = [field for field, value in there.fingerprint if value != getattr(theirs, field)]
                raise BadInputError(
                    f"{one.path} was measured on another machine than the profile of {whose} on target {name} "
                    f"({', '.join(differing)} differ): adopt it under another name with --target NAME"
                )
        measured.append((str(one.path), one.profile))


def store(workspace: Workspace, variant: Variant, one: ForeignProfile) -> None:
    """Writes the profile to the variant; raises `BadInputError` where the existing profile is newer."""
    files = workspace.profile_files(variant, one.profile.target_name)
    there = files.read()
    if there is not None and (there.measured_at, there.seconds) > (one.profile.measured_at, one.profile.seconds):
        raise BadInputError(
            f"{one.path} was measured at {one.profile.measured_at:%Y-%m-%d %H:%M:%S}, before {files.record} at "
            f"{there.measured_at:%Y-%m-%d %H:%M:%S}: adopt it under another name with --target NAME, or remove that"
        )
    if there is None or there.model_copy(update={"adopted": True}) != one.profile:
        files.replace(one.profile, one.samples)
