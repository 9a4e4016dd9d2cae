"""adopt: a profile that was measured on another box joins its variant."""

import argparse
from collections.abc import Sequence
from pathlib import Path


def run(arguments: Sequence[str]) -> None:
    """Takes profiles that 'python -m profiler' wrote elsewhere into the workspace; stage=publish then has them."""
    parser = argparse.ArgumentParser(prog="dnn-porting adopt", description=run.__doc__)
    parser.add_argument("profiles", type=Path, nargs="+", metavar="PROFILE.json")
    parser.add_argument("--workspace", type=Path, default=Path("artifacts"))
    options = parser.parse_args(arguments)

    from porting.console import say
    from porting.workspace import Workspace
    from profiler.errors import BadInputError
    from profiler.files import ProfileFiles, write_atomically

    workspace = Workspace(options.workspace)
    variants = [variant for task in workspace.tasks() for variant in workspace.variants(task)]
    for path in options.profiles:
        brought = ProfileFiles(path, path.with_suffix(".npz"))
        profile = brought.read()
        if profile is None:
            raise BadInputError(f"{path} does not exist: give the profile that 'python -m profiler' wrote")
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
                if brought.samples.exists():
                    files.samples.parent.mkdir(parents=True, exist_ok=True)
                    write_atomically(files.samples, brought.samples.read_bytes())
            say(f"{variant.name} has a profile on {profile.target_name} now; publish it with stage=publish")
