"""`python -m profiler MODEL [REQUEST]`: profiles one file on this box, which needs the plain install only.

The request is what `dnn-porting request` writes: a target and a level. The profile is carried back and taken
in with `dnn-porting adopt`.
"""

import argparse
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from profiler.bench import bench
from profiler.door import contents
from profiler.errors import BadInputError, DnnPortingError
from profiler.files import ProfileFiles
from profiler.level import LevelSettings
from profiler.parse import parsed
from profiler.profiling import profile_file
from profiler.records.profile import Profile
from profiler.streams import hold_places, tell
from profiler.target import Target, TargetName

INTERRUPTED = 130
REQUEST_LIMIT_BYTES = 1 << 20


class Request(BaseModel):
    """What to measure where; anybody may have written it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    target_name: TargetName
    target: Target
    settings: LevelSettings


def main() -> int:
    """The exit code; whatever goes wrong is one line."""
    hold_places()
    parser = argparse.ArgumentParser(prog="python -m profiler", description=__doc__)
    parser.add_argument("model", type=Path, help="an ONNX file; for runtime=torch with its program beside it, as .pt")
    parser.add_argument("request", type=Path)
    parser.add_argument("--output", type=Path, default=Path("profile.json"))
    parser.add_argument("--endpoint", help="the running server that the request may measure on: HOST:PORT on this box")
    options = parser.parse_args()
    try:
        profile = run(options.model, options.request, options.output, options.endpoint)
    except DnnPortingError as error:
        print(f"profiler: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"profiler: interrupted: {options.output} has what was finished, run again to go on", file=sys.stderr)
        return INTERRUPTED
    best = profile.best_throughput()
    lacking = f", {len(profile.missing)} points missing" if profile.missing else ""
    tell(f"{options.output}: {best.corrected_images_per_s:,.0f} images/s ({best.verdict}){lacking}" if best else "")
    return 0


def run(model: Path, request_path: Path, output: Path, endpoint: str | None = None) -> Profile:
    """Profiles the file; what an earlier run left at `output` is kept and completed.

    Raises `BadInputError` where the request names a running server other than `endpoint`.
    """
    request = read_request(request_path)
    if request.target.endpoint not in (None, endpoint):
        raise BadInputError(
            f"{request_path} measures on the running server at {request.target.endpoint}, where it loads and unloads "
            f"networks: agree to that with --endpoint {request.target.endpoint}"
        )
    files = ProfileFiles(output, output.with_suffix(".npz"))
    with bench(request.target_name, request.target) as ready:
        return profile_file(ready, model, request.settings, files.read(), None, files.write, announce)


def read_request(path: Path) -> Request:
    """Raises `BadInputError` for a file that is no request."""
    fix = "write one with 'dnn-porting request'"
    return parsed(Request, contents(path, REQUEST_LIMIT_BYTES, fix), str(path), fix=fix)


def announce(title: str) -> None:
    """What is measured next."""
    tell(title)


if __name__ == "__main__":
    sys.exit(main())
