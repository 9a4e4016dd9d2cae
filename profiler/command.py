"""The work of `python -m profiler`: it reads the request, copies and tries the file, and profiles it."""

import argparse
import json
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from profiler.common.door import contents, parsed
from profiler.common.errors import BadInputError, DnnPortingError
from profiler.common.files import copied
from profiler.common.profile_settings import LevelSettings
from profiler.common.scratch import scratch
from profiler.common.target import Target, TargetName
from profiler.graph.read import FIX
from profiler.profiling import profile_file
from profiler.records.profile import Profile
from profiler.records.profile_files import ProfileFiles
from profiler.runtimes.own_process import PROGRAM, program_of
from profiler.runtimes.torch_program import FIX as PROGRAM_FIX
from profiler.target.prepared_target import prepared_target
from profiler.trial.onnx_file import file_bytes, try_onnx

REQUEST_LIMIT_BYTES = 1 << 20
COPY = "model.onnx"


class Request(BaseModel):
    """The target and the level of a profile, from an untrusted file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    target_name: TargetName
    target: Target
    settings: LevelSettings


def profile(options: argparse.Namespace) -> None:
    """Profiles the file and prints its best throughput, and each missing point with the option that measures it."""
    profile = run(options.model, options.request, options.output, options.endpoint, options.wait, options.set)
    for one in profile.missing:
        at = ", ".join(f"{name} {value}" for name, value in one.at.items())
        option = f": measured with --set {one.setting}" if one.setting else ""
        print(f"missing: {one.point} at {at}, {one.verdict}, {one.reason}{option}")
    if line := profile.disturbance():
        print(line)
    best = profile.best_throughput()
    missing = f", {len(profile.missing)} points missing" if profile.missing else ""
    print(f"{options.output}: {best.images_per_s:,.0f} images/s ({best.verdict}){missing}" if best else "")


def run(
    model: Path,
    request_path: Path,
    output: Path,
    endpoint: str | None = None,
    wait_s: float | None = None,
    changes: Sequence[str] = (),
) -> Profile:
    """Profiles the file; the profile of an earlier run at `output` is kept and completed.

    `changes` replace settings of the request, such as `profile.budget_s=60`.

    It waits up to `wait_s`, or else as long as the request says, for another run that measures on this machine.
    Raises `BadInputError` where the request names a running server other than `endpoint`.
    """
    request = changed(read_request(request_path), changes)
    if request.target.endpoint not in (None, endpoint):
        raise BadInputError(
            f"{request_path} measures on the running server at {request.target.endpoint}, where it loads and unloads "
            f"networks: agree to that with --endpoint {shlex.quote(request.target.endpoint)}"
        )
    files = files_at(output, (model, request_path))
    with scratch("profiled") as temporary, original_names(temporary.folder, model):
        copy = copy_of(model, temporary.folder, request.target)
        try_onnx(copy, request.settings.latency.input_sizes if request.settings.latency else [])
        wait_s = request.settings.wait if wait_s is None else wait_s
        with prepared_target(request.target_name, request.target, wait_s) as ready:
            return profile_file(ready, copy, request.settings, files.read(), files.write, partial(print, flush=True))


def files_at(output: Path, inputs: Sequence[Path]) -> ProfileFiles:
    """The profile's files; raises `BadInputError` where they cannot be written there, or are one of the inputs."""
    files = ProfileFiles(output, output.with_suffix(".npz"))
    if output == files.samples:
        raise BadInputError(f"--output {output}: the samples get the name that ends in .npz: name a .json file")
    for file in (files.record, files.samples):
        if taken := next((path for path in inputs if file.exists() and path.exists() and file.samefile(path)), None):
            raise BadInputError(f"--output {output} would write over {taken}: name another file")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise BadInputError(f"--output {output}: {error.filename} is no folder: name a file in one") from error
    return files


def copy_of(model: Path, folder: Path, target: Target) -> Path:
    """A copy of the file and of its program for torch, so that no writer changes them after the trial."""
    file_bytes(model)
    copy = copied(model, folder / COPY, FIX)
    if target.runtime == "torch":
        copied(program_of(model), copy.with_suffix(PROGRAM), PROGRAM_FIX)
    return copy


@contextmanager
def original_names(folder: Path, model: Path) -> Iterator[None]:
    """Replaces the names of the copies in errors by the user's names."""
    try:
        yield
    except DnnPortingError as error:
        words = str(error).replace(str(folder / COPY), str(model))
        program = model.with_suffix(PROGRAM)
        raise type(error)(words.replace(str((folder / COPY).with_suffix(PROGRAM)), str(program))) from error


def read_request(path: Path) -> Request:
    """The request in a file; raises `BadInputError` for any other file."""
    fix = "write one with 'dnn-porting request'"
    return parsed(Request, contents(path, REQUEST_LIMIT_BYTES, fix), str(path), fix=fix)


def changed(request: Request, changes: Sequence[str]) -> Request:
    """The request with other settings of its level; raises `BadInputError` for an unknown name or a bad value."""
    values = request.model_dump(mode="json")
    for text in changes:
        name, _, value = text.partition("=")
        first, *folders, last = name.split(".") if "." in name else ("", "")
        place = values["settings"]
        for folder in folders:
            found = place.get(folder)
            place = found if isinstance(found, dict) else {}
        if first != "profile" or last not in place:
            choices = ", ".join(f"profile.{one}" for one in values["settings"])
            raise BadInputError(f"--set {text}: unknown setting {name!r}: choices are {choices}, and their parts")
        try:
            place[last] = json.loads(value)
        except ValueError as error:
            raise BadInputError(f"--set {text}: {value!r} is no value: give a number or a list") from error
    try:
        return Request.model_validate(values)
    except ValidationError as error:
        first_error = error.errors()[0]
        raise BadInputError(f"--set {' '.join(changes)}: {first_error['msg']}, not {first_error['input']!r}") from error
