"""Copies of models in a folder as a server loads them, from published repositories and from trusted ones."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig

from porting.repository.reader import Repository
from porting.repository.storage import LocalStorage, check_name
from porting.repository.variant_files import VariantFiles
from profiler.common import door
from profiler.common.errors import BadInputError
from profiler.common.target import MAX_A_CORE
from profiler.triton.lint.completion import completed
from profiler.triton.lint.config_file import CONFIG, read_config
from profiler.triton.lint.model import Model, clean
from profiler.triton.lint.rules_folder import code_rules
from profiler.triton.lint.tree import Tree

SHOWN_FILES = 8


def write_model(files: VariantFiles, path: Path) -> None:
    """Writes the variant's ONNX file to `path` and tries it; raises `ModelError` where it does not run."""
    path.write_bytes(files.read(files.model))
    try_model(files, path)


def try_model(files: VariantFiles, path: Path) -> None:
    """Runs an untrusted ONNX file once in a confined process; raises `ModelError` where it does not run."""
    from profiler.trial.onnx_file import try_onnx

    try_onnx(path, name=Path(str(files.repository.storage), files.published.name, files.model))


def lay_out(repository: Repository, names: Iterable[str], target: str | None, folder: Path) -> None:
    """Copies published variants to `folder` as a server loads them, with the settings for the target.

    The folder gets only published files of known kinds and configurations that this program writes; each subfolder has
    a variant's name. Raises `BadInputError` as `VariantFiles.of` and `VariantFiles.read` do.
    """
    for name in names:
        files = VariantFiles.of(repository, name)
        check_fits_here(files, target)
        contents = {**files.served(), CONFIG: files.config(target).encode()}
        for path, content in contents.items():
            place = folder / name / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        try_model(files, folder / name / files.model)


def check_fits_here(files: VariantFiles, target: str | None) -> None:
    """Raises `BadInputError` for more instances or threads than this machine's cores can use."""
    profiles = files.details.profiles
    server = (profiles[target] if target in profiles else next(iter(profiles.values()))).target
    most = MAX_A_CORE * (os.cpu_count() or 1)
    if max(server.instances, server.threads) > most:
        raise BadInputError(
            f"{files} needs {server.instances} instances of {server.threads} threads, and this machine can use "
            f"{most}: serve it with the settings of another target, with --target NAME"
        )


def lay_out_trusted(root: Path, folder: Path) -> dict[str, list[str]]:
    """Copies every model of an unpublished, trusted repository to `folder`.

    Returns by name the lines that describe what a server runs of each model. Raises `BadInputError` where there is no
    model, where one has no readable `config.pbtxt`, and for links, special files and names with characters that a shell
    interprets, because the server passes paths to a shell.
    """
    source, tree, found = LocalStorage(root), Tree(root), dict[str, list[str]]()
    for name in tree.names(""):
        if tree.place(f"{name}/{CONFIG}").kind != "missing":
            files = sorted(path for path in source.paths(name) if not path.endswith("/"))
            found[name] = described(tree, name, files)
            for path in files:
                place = folder / name / path
                place.parent.mkdir(parents=True, exist_ok=True)
                original = door.opened(source.local / name / path, "make it readable", links=False)
                with original as file, place.open("xb") as copied:
                    shutil.copyfileobj(file, copied)
    if not found:
        raise BadInputError(f"{root} holds no model: give the folder that holds one folder for each")
    return found


def described(tree: Tree, name: str, files: list[str]) -> list[str]:
    """The lines that describe what a server runs of a model; raises `BadInputError` for an unreadable configuration."""
    for part in (name, *(part for path in files for part in path.split("/"))):
        check_name(part)
    config, problems = read_config(Model(tree, name, CONFIG, ModelConfig()))
    if config is None:
        raise BadInputError(str(problems[0]))
    whole = completed(config, tree, name)
    more = f" and {len(files) - SHOWN_FILES} more" if len(files) > SHOWN_FILES else ""
    runs = f"{name}: backend {clean(whole.backend or whole.platform)}, files {', '.join(files[:SHOWN_FILES])}{more}"
    return [runs, *(str(finding) for finding in code_rules(Model(tree, name, CONFIG, whole)))]
