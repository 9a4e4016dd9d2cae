"""Rules on a model's folder: its name, links, versions, model files, and code."""

import re
from collections.abc import Iterator
from pathlib import Path

from profiler.triton.lint.completion import LARGEST_VERSION, subfolders, version_of
from profiler.triton.lint.model import Finding, Model, clean

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# The Python backend starts each model with a bash command that contains the model's path.
SHELL_SYNTAX = re.compile(r"[\s\"'\\`$&;|<>()*?\[\]{}!]")
SHELL = "the Python-based server passes its path to a shell, which would interpret it and hang or run it"


def place_rules(root: Path) -> Iterator[Finding]:
    """Rules on the path of the repository itself."""
    place = str(root.resolve())
    if SHELL_SYNTAX.search(place):
        fix = "use letters, digits, '-', '_', '.', or 'dnn-porting serve', which serves it from elsewhere"
        yield Finding("", ".", "name-shell", "error", "here", f"it is in {clean(repr(place))}: {SHELL}; {fix}")


def name_rules(model: Model) -> Iterator[Finding]:
    """Rules on names that a shell, gRPC or Kubernetes cannot handle."""
    if SHELL_SYNTAX.search(model.name):
        yield model.error("name-shell", f"folder name {model.name!r}: {SHELL}; use letters, digits, '-', '_', '.'", ".")
    elif not model.name.isascii() and any(0xD800 <= ord(c) <= 0xDFFF for c in model.name):
        yield model.elsewhere("name-encoding", f"name {model.name!r} is not UTF-8: no request can have it", file=".")
    elif LABEL.fullmatch(model.name) is None:
        fix = "use at most 63 of a-z, 0-9 and '-', none at an end"
        yield model.elsewhere("name-kubernetes", f"{model.name!r} is no Kubernetes label: {fix}", "warning", ".")


def link_rules(model: Model) -> Iterator[Finding]:
    """Rules on links in the model's folder: a dangling link is refused, and one out of the repository not followed."""
    for entry in model.tree.names(model.name):
        if not model.tree.is_link(f"{model.name}/{entry}"):
            continue
        place = model.place(entry)
        if place.kind == "missing":
            yield model.error("link-dangling", "a dangling link keeps the server from listing the folder", entry)
        elif place.kind == "outside":
            yield model.warning("link-leaves", "a link out of the repository is not followed: copy its target", entry)


def version_rules(model: Model) -> Iterator[Finding]:
    """Rules on version folders and the version policy."""
    folders = subfolders(model.tree, model.name)
    for folder in folders:
        version = version_of(folder)
        if version is not None and not 0 <= version <= LARGEST_VERSION:
            fix = f"versions go from 0 to {LARGEST_VERSION}, and more than 64 bits crash the server"
            yield model.error("version-range", f"folder {folder!r} counts as version {version}: {fix}", folder)
        elif version in model.versions and str(version) != folder and str(version) not in folders:
            fix = f"rename it to {abs(version or 0)}"
            yield model.error("version-name", f"folder {folder!r} counts as version {version}: {fix}", folder)
        elif version is None and folder.isdigit():
            yield model.warning("version-ignored", f"folder {folder!r} is ignored: drop its leading zeros", folder)
    if not model.versions:
        have = ", ".join(map(repr, folders[:10])) or "none"
        fix = "a version is a folder named by a number, like '1'"
        yield model.error("version-none", f"the policy finds no version (folders: {have}): {fix}")
    if model.versions:
        for wanted in sorted(set(model.config.version_policy.specific.versions) - set(model.versions)):
            yield model.warning("version-missing", f"version {wanted} of the policy has no folder: add it or drop it")


def artefact_rules(model: Model) -> Iterator[Finding]:
    """Rules on the ONNX file of every loaded version."""
    if not model.is_onnx:
        return
    name = model.config.default_model_filename
    for version in model.versions:
        if model.place(str(version)).kind == "missing":
            continue  # `version_rules` reports the wrong name of its folder
        file = f"{version}/{name}"
        place = model.place(file)
        if name.startswith("/") or place.kind == "outside":
            fix = "name a file in the version's folder"
            yield model.warning("path-leaves", f"{file} may be outside the repository and is not read: {fix}")
        elif place.kind == "missing":
            yield model.error("artefact-missing", f"{file} is missing: add it, or correct default_model_filename", file)
        elif place.kind != "file":
            only = "the C++ backend takes a folder that holds model.onnx, the server here does not"
            yield model.error("artefact-kind", f"{file} is no file ({only}): make it a file", file)
        for capability, other in sorted(model.config.cc_model_filenames.items()):
            if model.place(f"{version}/{other}").kind != "file":
                message = f"{version}/{other} for GPUs of capability {capability} is no file here: add it"
                yield model.elsewhere("cc-file-missing", message, "warning")


def code_rules(model: Model) -> Iterator[Finding]:
    """Rules on code in the model's folder or configuration that the server runs."""
    config = model.config
    libraries = (f"libtriton_{config.backend}.so", "batchstrategy.so")
    for folder in ("", *(f"{version}/" for version in model.versions)):
        for library in libraries:
            if "/" not in library and model.place(folder + library).kind != "missing":
                yield model.warning("foreign-code", "the server loads this library: check it", folder + library)
    for key in ("EXECUTION_ENV_PATH", "TRITON_BATCH_STRATEGY_PATH"):
        if key in config.parameters:
            value = config.parameters[key].string_value
            yield model.warning("foreign-code", f"the server runs parameter {key} = {value!r}: check it")
    for library in config.model_operations.op_library_filename:
        yield model.warning("foreign-code", f"the C++ backend loads op_library_filename {library!r}: check it")
    for agent in config.model_repository_agents.agents:
        yield model.elsewhere("agent-needed", f"needs a server with the repository agent {agent.name!r}", "warning")
