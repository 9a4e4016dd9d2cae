"""The command request: writes the settings with which another machine profiles an ONNX file."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from porting.common.console import say
from porting.configuration.config_folders import config_folder
from porting.configuration.settings import validated
from porting.jobs.context import built_target
from profiler.common.errors import BadInputError
from profiler.common.files import write_atomically


def run(arguments: Sequence[str]) -> None:
    """Writes request.json: one target and a level, for 'python -m profiler MODEL request.json' there."""
    parser = argparse.ArgumentParser(prog="dnn-porting request", description=run.__doc__)
    parser.add_argument("overrides", nargs="*", help="settings as for a run: target=NAME profile=full ...")
    parser.add_argument("--output", type=Path, default=Path("request.json"))
    parser.add_argument("--config-dir", type=Path, help="a folder with targets of your own")
    options = parser.parse_args(arguments)

    # These imports take two seconds.
    import hydra
    from omegaconf import OmegaConf

    from profiler.command import Request

    search_path = [] if options.config_dir is None else [f"hydra.searchpath=[file://{options.config_dir.resolve()}]"]
    with hydra.initialize_config_dir(str(config_folder()), version_base="1.3"):
        config = hydra.compose("config", overrides=[*options.overrides, *search_path])
    settings = validated(OmegaConf.to_container(config, resolve=True, throw_on_missing=True))  # type: ignore[arg-type]
    if len(settings.targets) != 1:
        raise BadInputError(f"a request is for one target, not for {', '.join(settings.targets)}: give target=NAME")
    ((name, component),) = settings.targets.items()
    request = Request(target_name=name, target=built_target(component), settings=settings.profile)
    write_atomically(options.output, request.model_dump_json(indent=1))
    endpoint = ["--endpoint", request.target.endpoint] if request.target.endpoint else []
    words = ["python", "-m", "profiler", "MODEL.onnx", options.output.name, *endpoint]
    needed = ", with MODEL.pt in the folder of the file" if request.target.runtime == "torch" else ""
    say(f"{options.output}: run on the other machine  {shlex.join(words)}{needed}")
