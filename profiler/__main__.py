"""`python -m profiler MODEL [REQUEST]`: profiles one file on this box, which needs the plain install only.

The request is what `dnn-porting request` writes: a target and a level. The profile is carried back and taken
in with `dnn-porting adopt`.
"""

import argparse
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from profiler.bench import bench
from profiler.errors import DnnPortingError
from profiler.files import ProfileFiles, read_record
from profiler.level import LevelSettings
from profiler.profiling import profile_file
from profiler.records.profile import Profile
from profiler.target import Target

INTERRUPTED = 130


class Request(BaseModel):
    """What to measure where."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    target_name: str
    target: Target
    settings: LevelSettings


def main() -> int:
    """The exit code; whatever goes wrong is one line."""
    parser = argparse.ArgumentParser(prog="python -m profiler", description=__doc__)
    parser.add_argument("model", type=Path, help="an ONNX file; for runtime=torch with its program beside it, as .pt")
    parser.add_argument("request", type=Path)
    parser.add_argument("--output", type=Path, default=Path("profile.json"))
    options = parser.parse_args()
    try:
        profile = run(options.model, options.request, options.output)
    except DnnPortingError as error:
        print(f"profiler: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"profiler: interrupted: {options.output} has what was finished, run again to go on", file=sys.stderr)
        return INTERRUPTED
    best = profile.best_throughput()
    lacking = f", {len(profile.missing)} points missing" if profile.missing else ""
    print(f"{options.output}: {best.corrected_images_per_s:,.0f} images/s ({best.verdict}){lacking}" if best else "")
    return 0


def run(model: Path, request_path: Path, output: Path) -> Profile:
    """Profiles the file; what an earlier run left at `output` is kept and completed."""
    request = read_record(request_path, Request, "write one with 'dnn-porting request'")
    files = ProfileFiles(output, output.with_suffix(".npz"))
    with bench(request.target_name, request.target) as ready:
        return profile_file(ready, model, request.settings, files.read(), None, files.write, announce)


def announce(title: str) -> None:
    """What is measured next."""
    print(title, flush=True)


if __name__ == "__main__":
    sys.exit(main())
