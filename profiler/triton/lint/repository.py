"""The linter: every rule on every model of a repository."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig

from profiler.common.errors import ModelError
from profiler.triton.lint import (
    rules_config,
    rules_ensemble,
    rules_folder,
    rules_match,
    rules_onnx,
    rules_onnxruntime,
    rules_scheduling,
    rules_tensors,
    rules_warm_up,
    rules_weights,
)  # fmt: skip
from profiler.triton.lint.completion import completed, subfolders, versions_to_load
from profiler.triton.lint.config_file import CONFIG, config_files, read_config
from profiler.triton.lint.graph import graph_of
from profiler.triton.lint.model import Finding, Model, clean
from profiler.triton.lint.skeleton import read_skeleton
from profiler.triton.lint.tree import MAX_ENTRIES, Tree

# Further findings of the same rule add no information.
MOST_OF_A_RULE = 20
CONFIG_RULES = (
    rules_config.identity_rules, rules_config.instance_rules, rules_config.ensemble_platform_rules,
    rules_folder.version_rules, rules_folder.artefact_rules, rules_folder.code_rules,
    rules_tensors.tensor_rules, rules_tensors.batch_tensor_rules, rules_tensors.label_rules,
    rules_scheduling.batching_rules, rules_scheduling.sequence_rules, rules_scheduling.cache_rules,
    rules_onnxruntime.session_rules, rules_onnxruntime.accelerator_rules,
    rules_warm_up.warm_up_rules, rules_ensemble.flow_rules,
)  # fmt: skip


def lint(root: Path, known: Iterable[Finding] = ()) -> list[Finding]:
    """The errors and warnings of a model repository, sorted by model.

    No link out of the repository is followed. `known` are findings of the caller's own rules, which join the others.
    Raises `BadInputError` where `root` is no folder, and no other error for any content.
    """
    tree = Tree(root)
    names = tree.names("")
    findings = [*rules_folder.place_rules(root), *root_rules(tree, names), *known]
    models: dict[str, Model] = {}
    for name in (name for name in names if tree.place(name).kind == "folder"):
        findings += model_findings(tree, name, models)
    findings += ensemble_findings(models, findings)
    return sorted(set(findings))


def root_rules(tree: Tree, names: list[str]) -> Iterator[Finding]:
    """Findings at the root: folders are models, files are ignored, and links must have their targets inside."""
    kinds = {name: tree.place(name).kind for name in names}
    for name in (name for name in names if tree.is_link(name)):
        if kinds[name] == "missing":
            message = "a dangling link keeps the server from listing the repository: remove it"
            yield Finding("", clean(name), "link-dangling", "error", "here", message)
        elif kinds[name] == "outside":
            message = "a link out of the repository is not followed: copy its target, or lint that folder"
            yield Finding("", clean(name), "link-leaves", "warning", "here", message)
    if len(names) == MAX_ENTRIES:
        message = f"it holds {MAX_ENTRIES:,} entries or more, of which no more are checked: split it"
        yield Finding("", ".", "repository-size", "warning", "here", message)
    if "folder" not in kinds.values():
        message = "there is no model: give the folder with one subfolder for each model"
        yield Finding("", ".", "repository-empty", "warning", "here", message)


def model_findings(tree: Tree, name: str, models: dict[str, Model]) -> list[Finding]:
    """Findings in one model folder under each of its configurations; the model of its own one joins `models`."""
    bare = Model(tree, name, CONFIG, ModelConfig())
    findings = [*rules_folder.name_rules(bare), *rules_folder.link_rules(bare)]
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
            rules_onnx.graph_rules(model, file, skeleton),
            rules_weights.external_rules(model, file, skeleton),
            rules_match.match_rules(model, graph),
            rules_warm_up.warm_up_graph_rules(model, graph),
        ):
            findings += islice(found, MOST_OF_A_RULE)
    return findings


def ensemble_findings(models: dict[str, Model], findings: list[Finding]) -> list[Finding]:
    """Findings between ensembles and their models; an ensemble with a refused model is refused too."""
    errors = [finding for finding in findings if finding.severity == "error" and finding.checked == "here"]
    names = {clean(name): name for name in models}
    refused = {names.get(error.model, "") for error in errors if not error.file.startswith("configs/")} - {""}
    found = list(rules_ensemble.cycles(models))
    cyclic = {names[finding.model] for finding in found}
    refused |= cyclic
    waiting = {name for name, model in models.items() if model.is_ensemble} - cyclic
    while waiting:
        by_name = {name: list(rules_ensemble.member_rules(models[name], models, refused)) for name in waiting}
        found += [finding for rules in by_name.values() for finding in rules]
        new = {name for name, rules in by_name.items() if rules} - refused
        if not new:
            break
        refused |= new
    return found
