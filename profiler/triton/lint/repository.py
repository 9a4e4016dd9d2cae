"""The linter: every rule on every model of a repository."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig

from profiler.common.errors import ModelError
from profiler.triton.lint.completion import completed, subfolders, versions_to_load
from profiler.triton.lint.config_file import CONFIG, config_files, read_config
from profiler.triton.lint.graph import graph_of
from profiler.triton.lint.model import Finding, Model, clean
from profiler.triton.lint.rules_config import ensemble_platform_rules, identity_rules, instance_rules
from profiler.triton.lint.rules_ensemble import circles, flow_rules, member_rules
from profiler.triton.lint.rules_folder import (
    artefact_rules,
    code_rules,
    link_rules,
    name_rules,
    place_rules,
    version_rules,
)
from profiler.triton.lint.rules_match import match_rules
from profiler.triton.lint.rules_onnx import external_rules, graph_rules
from profiler.triton.lint.rules_onnxruntime import accelerator_rules, session_rules
from profiler.triton.lint.rules_scheduling import batching_rules, cache_rules, sequence_rules
from profiler.triton.lint.rules_tensors import batch_tensor_rules, label_rules, tensor_rules
from profiler.triton.lint.rules_warm_up import warm_up_graph_rules, warm_up_rules
from profiler.triton.lint.skeleton import read_skeleton
from profiler.triton.lint.tree import MAX_ENTRIES, Tree

# Further findings of the same rule add no information.
MOST_OF_A_RULE = 20
CONFIG_RULES = (
    identity_rules,
    version_rules,
    artefact_rules,
    tensor_rules,
    batch_tensor_rules,
    label_rules,
    instance_rules,
    batching_rules,
    sequence_rules,
    cache_rules,
    session_rules,
    accelerator_rules,
    warm_up_rules,
    ensemble_platform_rules,
    flow_rules,
    code_rules,
)


def lint(root: Path, known: Iterable[Finding] = ()) -> list[Finding]:
    """The errors and warnings of a model repository, sorted by model.

    No link out of the repository is followed. `known` are findings of the caller's own rules: they join the others, and
    an ensemble of a model that they refuse is refused too. Raises `BadInputError` where `root` is no folder, and no
    other error for any content.
    """
    tree = Tree(root)
    names = tree.names("")
    findings = [*place_rules(root), *root_rules(tree, names), *known]
    models: dict[str, Model] = {}
    for name in (name for name in names if tree.place(name).kind == "folder"):
        findings += model_findings(tree, name, models)
    findings += ensemble_findings(models, findings)
    return sorted(set(findings))


def root_rules(tree: Tree, names: list[str]) -> Iterator[Finding]:
    """Findings at the root: folders are models, files are ignored, and links must lead to something inside."""
    kinds = {name: tree.place(name).kind for name in names}
    for name in (name for name in names if tree.is_link(name)):
        if kinds[name] == "missing":
            message = "a link that leads nowhere keeps the server from listing the repository: remove it"
            yield Finding("", clean(name), "link-dangling", "error", "here", message)
        elif kinds[name] == "leaves":
            message = "a link out of the repository is not followed: copy what it means, or lint that folder"
            yield Finding("", clean(name), "link-leaves", "warning", "here", message)
    if len(names) == MAX_ENTRIES:
        message = f"it holds {MAX_ENTRIES:,} entries or more, of which no more are checked: split it"
        yield Finding("", ".", "repository-size", "warning", "here", message)
    if "folder" not in kinds.values():
        message = "there is no model: give the folder that holds one folder for each"
        yield Finding("", ".", "repository-empty", "warning", "here", message)


def model_findings(tree: Tree, name: str, models: dict[str, Model]) -> list[Finding]:
    """Findings in one model folder under each of its configurations; the model of its own one joins `models`."""
    bare = Model(tree, name, CONFIG, ModelConfig())
    findings = [*name_rules(bare), *link_rules(bare)]
    for file in config_files(bare):
        config, problems = read_config(replace(bare, file=file))
        findings += problems
        if config is None:
            continue
        whole = completed(config, tree, name)
        model = Model(tree, name, file, whole, versions_to_load(config, subfolders(tree, name)))
        if file == CONFIG:
            models[name] = model
        for rule in CONFIG_RULES:
            findings += islice(rule(model), MOST_OF_A_RULE)
        findings += onnx_findings(model)
    return findings


def onnx_findings(model: Model) -> list[Finding]:
    """Findings in the ONNX files that a configuration loads, and between the files and the configuration."""
    findings: list[Finding] = []
    for version in model.versions if model.is_onnx else ():
        file = f"{version}/{model.config.default_model_filename}"
        with model.tree.opened(f"{model.name}/{file}") as descriptor:
            if descriptor is None:
                continue
            try:
                skeleton = read_skeleton(descriptor)
            except ModelError as error:
                findings.append(model.error("onnx-unreadable", str(error), file))
                continue
        graph = graph_of(skeleton.model)
        for found in (
            graph_rules(model, file, skeleton),
            external_rules(model, file, skeleton),
            match_rules(model, graph),
            warm_up_graph_rules(model, graph),
        ):
            findings += islice(found, MOST_OF_A_RULE)
    return findings


def ensemble_findings(models: dict[str, Model], findings: list[Finding]) -> list[Finding]:
    """Findings between ensembles and their models; an ensemble with a refused model is refused too."""
    errors = [finding for finding in findings if finding.severity == "error" and finding.checked == "here"]
    names = {clean(name): name for name in models}
    refused = {names.get(error.model, "") for error in errors if not error.file.startswith("configs/")} - {""}
    found = list(circles(models))
    endless = {names[finding.model] for finding in found}
    refused |= endless
    waiting = {name for name, model in models.items() if model.is_ensemble} - endless
    while waiting:
        by_name = {name: list(member_rules(models[name], models, refused)) for name in waiting}
        found += [finding for rules in by_name.values() for finding in rules]
        new = {name for name, rules in by_name.items() if rules} - refused
        if not new:
            break
        refused |= new
    return found
