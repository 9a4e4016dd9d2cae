"""adopt: a profile that was measured on another box joins its variant."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from profiler.records.profile import Profile

SAMPLES_LIMIT_BYTES = 256 << 20


def run(arguments: Sequence[str]) -> None:
    """Takes profiles that 'python -m profiler' wrote elsewhere into the workspace; stage=publish then has them."""
    parser = argparse.ArgumentParser(prog="dnn-porting adopt", description=run.__doc__)
    parser.add_argument("profiles", type=Path, nargs="+", metavar="PROFILE.json")
    parser.add_argument("--workspace", type=Path, default=Path("artifacts"))
    options = parser.parse_args(arguments)

    from porting.console import say
    from porting.workspace import Workspace
    from profiler.errors import BadInputError
    from profiler.files import write_atomically

    workspace = Workspace(options.workspace)
    variants = [variant for task in workspace.tasks() for variant in workspace.variants(task)]
    for path in options.profiles:
        profile, samples = read_profile(path), read_samples(path.with_suffix(".npz"))
        owners = [one for one in variants if one.onnx is not None and one.onnx.sha256 == profile.onnx_sha256]
        if not owners:
            raise BadInputError(
                f"{path} is of a file with sha256 {profile.onnx_sha256}, which no variant in {options.workspace} has: "
                "name the workspace it came from with --workspace"
            )
        for variant in owners:
            with workspace.writing(variant.task):
                files = workspace.profile_files(variant, profile.target_name)
                files.write(profile, {})
                if samples:
                    files.samples.parent.mkdir(parents=True, exist_ok=True)
                    write_atomically(files.samples, samples)
            say(f"{variant.name} has a profile on {profile.target_name} now; publish it with stage=publish")


def read_profile(path: Path) -> "Profile":
    """A profile that anybody may have written, under a target that can be a file's name; raises `BadInputError`."""
    from pydantic import TypeAdapter, ValidationError
    from pydantic_core import from_json

    from porting.repository.consistency import check_numbers
    from porting.repository.parse import DETAILS_LIMIT_BYTES, parsed, refused
    from porting.repository.schema import TargetName
    from profiler.records.profile import Profile

    fix = "give the profile that 'python -m profiler' wrote"
    content = beginning(path, DETAILS_LIMIT_BYTES, fix)
    profile = parsed(Profile, content, str(path), fix=fix)
    try:
        TypeAdapter(TargetName).validate_python(profile.target_name)
        check_numbers(from_json(content))
    except ValidationError as error:
        raise refused(str(path), "target_name", f"{profile.target_name!r} is no name of a target", fix) from error
    except ValueError as error:
        raise refused(str(path), "", str(error), fix) from error
    return profile


def read_samples(path: Path) -> bytes:
    """The raw samples beside a profile, which need not be there; raises `BadInputError` for too many."""
    return beginning(path, SAMPLES_LIMIT_BYTES, "remove it") if path.is_file() else b""


def beginning(path: Path, limit_bytes: int, fix: str) -> bytes:
    """A whole file that is not a link to elsewhere; raises `BadInputError` where it is, or is too large."""
    from profiler.errors import BadInputError

    try:
        if not path.is_file() or path.is_symlink():
            raise BadInputError(f"{path} is no file: {fix}")
        with path.open("rb") as file:
            content = file.read(min(limit_bytes, path.stat().st_size) + 1)
    except OSError as error:
        raise BadInputError(f"{path} cannot be read ({error.strerror}): {fix}") from error
    if len(content) > limit_bytes:
        raise BadInputError(f"{path} is larger than {limit_bytes} bytes: {fix}")
    return content
