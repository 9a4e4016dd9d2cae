"""Rules on ensembles: the flow of their tensors, and their models."""

from collections import Counter
from collections.abc import Iterator, Mapping

from tritonclient.grpc.model_config_pb2 import ModelEnsembling, ModelInput, ModelOutput

from profiler.triton.lint.model import Finding, Model, type_name
from profiler.triton.lint.rules_tensors import WILDCARD, compatible

STEP_FIELDS = ("model_name", "input_map", "output_map")
# A tensor's type, its shape, and its shape with the batch axis if there is one.
TypeAndShape = tuple[int, tuple[int, ...], tuple[int, ...]]


def flow_rules(model: Model) -> Iterator[Finding]:
    """Every tensor has one producer that can run, and a consumer (core: `ValidateEnsembleSchedulingConfig`)."""
    steps = list(model.config.ensemble_scheduling.step)
    if not model.is_ensemble or not steps:
        return
    missing = [(index, field) for index, step in enumerate(steps) for field in STEP_FIELDS if not getattr(step, field)]
    for index, field in missing:
        yield model.error("ensemble-step", f"step {index} has no {field}: write it")
    if missing:
        return
    produced = Counter(name for step in steps for name in step.output_map.values())
    for name in sorted(name for name, count in produced.items() if count > 1):
        yield model.error("ensemble-flow", f"tensor {name!r} has two producers: give one another name")
    used = {name for step in steps for name in step.input_map.values()}
    inputs = {tensor.name for tensor in model.config.input}
    outputs = {tensor.name for tensor in model.config.output}
    for name in sorted(inputs - used - set(produced)):
        yield model.error("ensemble-flow", f"no step uses input {name!r}: drop it, or map it")
    ready = reachable(inputs, steps)
    for name in sorted((outputs | used) - ready):
        yield model.error("ensemble-flow", f"no step that can run produces tensor {name!r}: map it")
    for name in sorted((set(produced) & ready) - used - outputs):
        yield model.error("ensemble-flow", f"no step uses tensor {name!r}: drop it from its output_map")


def reachable(inputs: set[str], steps: list[ModelEnsembling.Step]) -> set[str]:
    """The tensors that exist after every step that can run."""
    ready, pending = set(inputs), list(inputs)
    missing = [set(step.input_map.values()) for step in steps]
    consumers: dict[str, list[int]] = {}
    for index, names in enumerate(missing):
        for name in names:
            consumers.setdefault(name, []).append(index)
    while pending:
        name = pending.pop()
        for index in consumers.get(name, []):
            missing[index].discard(name)
            if not missing[index]:
                new = set(steps[index].output_map.values()) - ready
                ready |= new
                pending += new
    return ready


def member_rules(model: Model, models: Mapping[str, Model], refused: set[str]) -> Iterator[Finding]:
    """The models of the steps exist, load, and fit together (core: `ValidateEnsembleConfig`)."""
    if not model.is_ensemble:
        return
    known = {tensor.name: type_and_shape(model, tensor) for tensor in (*model.config.input, *model.config.output)}
    for step in model.config.ensemble_scheduling.step:
        name = step.model_name
        if not (name and step.input_map and step.output_map):
            continue  # `flow_rules` reports it
        member = models.get(name)
        if member is None or name in refused:
            state = "is refused itself" if name in refused else "is not in the repository"
            yield model.error("ensemble-member", f"model {name!r} {state}: correct it first")
        elif step.model_version != -1 and step.model_version not in member.versions:
            message = f"version {step.model_version} of {name!r} is not loaded: write model_version: -1"
            yield model.error("ensemble-member", message)
        elif 0 < member.config.max_batch_size < model.config.max_batch_size:
            message = f"max_batch_size {model.config.max_batch_size} exceeds that of {name!r}"
            yield model.error("ensemble-member", f"{message}, {member.config.max_batch_size}: lower it")
        else:
            yield from mapping_rules(model, step, member, known)


def mapping_rules(
    model: Model, step: ModelEnsembling.Step, member: Model, known: dict[str, TypeAndShape]
) -> Iterator[Finding]:
    """A step maps tensors of its model, with the same types and shapes as in other steps."""
    if not (member.config.input and member.config.output):
        # The server reads them from the model itself.
        return
    for what, mapped, tensors in (
        ("input", step.input_map, member.config.input),
        ("output", step.output_map, member.config.output),
    ):
        there = {tensor.name: tensor for tensor in tensors}
        for key in sorted(mapped):
            if key not in there:
                have = ", ".join(map(repr, sorted(there)))
                yield model.error("ensemble-map", f"{member.name!r} has no {what} {key!r}, it has {have}")
                continue
            here, name = type_and_shape(member, there[key]), mapped[key]
            if not agree(known.setdefault(name, here), here):
                message = f"tensor {name!r} is {described(known[name])}, and {described(here)} in {member.name!r}"
                yield model.error("ensemble-map", f"{message}: make them agree")
    for tensor in member.config.input:
        if not tensor.optional and tensor.name not in step.input_map:
            yield model.error("ensemble-map", f"input {tensor.name!r} of {member.name!r} is not mapped: map it")


def type_and_shape(model: Model, tensor: ModelInput | ModelOutput) -> TypeAndShape:
    """The type and shape of a tensor; for the ensemble's own tensors the shape after the reshape."""
    dims = tuple(tensor.reshape.shape if model.is_ensemble and tensor.HasField("reshape") else tensor.dims)
    return tensor.data_type, dims, (WILDCARD, *dims) if model.config.max_batch_size > 0 else dims


def agree(one: TypeAndShape, other: TypeAndShape) -> bool:
    """Whether two tensors can be the same one."""
    return one[0] == other[0] and (compatible(one[1], other[1]) or compatible(one[2], other[2]))


def described(tensor: TypeAndShape) -> str:
    """The type and the shape with the batch axis as text."""
    return f"{type_name(tensor[0])} {list(tensor[2])}"


def cycles(models: Mapping[str, Model]) -> Iterator[Finding]:
    """Ensembles that contain themselves."""
    parts = {
        name: {step.model_name for step in model.config.ensemble_scheduling.step} for name, model in models.items()
    }
    for name, model in models.items():
        seen: set[str] = set()
        pending = set(parts[name]) if model.is_ensemble else set()
        while pending - seen:
            seen |= pending
            pending = {part for one in pending for part in parts.get(one, set())}
        if name in seen:
            yield model.error("ensemble-circle", f"{name!r} contains itself: break the cycle")
