"""A Triton repository that nobody published: nothing says what its files are, and whoever serves it trusts them."""

import shutil
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig

from porting.repository.root import LocalRoot, check_name
from profiler.common import door
from profiler.common.errors import BadInputError
from profiler.triton.lint.completion import completed
from profiler.triton.lint.config_file import CONFIG, read_config
from profiler.triton.lint.finding import clean
from profiler.triton.lint.model import Model
from profiler.triton.lint.rules_folder import code_rules
from profiler.triton.lint.tree import Tree

SHOWN_FILES = 8


def lay_out_trusted(root: Path, folder: Path) -> dict[str, list[str]]:
    """Copies every model to `folder`, and returns what runs of each, in lines, by its name.

    Raises `BadInputError` where there is none, where one has no readable `config.pbtxt`, and for links, special files
    and names that are more than a name to a shell, as the server hands paths to one.
    """
    source, tree, found = LocalRoot(root), Tree(root), dict[str, list[str]]()
    for name in tree.names(""):
        if tree.place(f"{name}/{CONFIG}").kind != "missing":
            files = sorted(path for path in source.paths(name) if not path.endswith("/"))
            found[name] = described(tree, name, files)
            for path in files:
                copy(source.local / name / path, folder / name / path)
    if not found:
        raise BadInputError(f"{root} holds no model: give the folder that holds one folder for each")
    return found


def copy(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with door.opened(source, "make it readable", links=False) as file, place.open("xb") as copied:
        shutil.copyfileobj(file, copied)


def described(tree: Tree, name: str, files: list[str]) -> list[str]:
    """What a server runs of a model, in lines; raises `BadInputError` where that cannot be told."""
    for part in (name, *(part for path in files for part in path.split("/"))):
        check_name(part)
    config, problems = read_config(Model(tree, name, CONFIG, ModelConfig()))
    if config is None:
        raise BadInputError(str(problems[0]))
    whole = completed(config, tree, name)
    more = f" and {len(files) - SHOWN_FILES} more" if len(files) > SHOWN_FILES else ""
    runs = f"{name}: backend {clean(whole.backend or whole.platform)}, files {', '.join(files[:SHOWN_FILES])}{more}"
    return [runs, *(str(finding) for finding in code_rules(Model(tree, name, CONFIG, whole)))]
