"""What `python -m profiler` does."""

import argparse
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from profiler.bench import bench
from profiler.files import ProfileFiles, read_record
from profiler.level import LevelSettings
from profiler.profiling import profile_file
from profiler.records.profile import Profile
from profiler.target import Target
from profiler.trial import try_onnx


class Request(BaseModel):
    """What to measure where."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    target_name: str
    target: Target
    settings: LevelSettings


def profile(options: argparse.Namespace) -> None:
    """Profiles the file and says what came of it."""
    profile = run(options.model, options.request, options.output)
    best = profile.best_throughput()
    lacking = f", {len(profile.missing)} points missing" if profile.missing else ""
    print(f"{options.output}: {best.corrected_images_per_s:,.0f} images/s ({best.verdict}){lacking}" if best else "")


def run(model: Path, request_path: Path, output: Path) -> Profile:
    """Profiles the file; what an earlier run left at `output` is kept and completed."""
    request = read_record(request_path, Request, "write one with 'dnn-porting request'")
    files = ProfileFiles(output, output.with_suffix(".npz"))
    try_onnx(model, request.settings.latency.input_sizes if request.settings.latency else [])
    with bench(request.target_name, request.target) as ready:
        return profile_file(ready, model, request.settings, files.read(), None, files.write, announce)


def announce(title: str) -> None:
    """What is measured next."""
    print(title, flush=True)
