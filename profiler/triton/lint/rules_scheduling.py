"""Rules on batching, sequences, priorities and the response cache (core: `ValidateModelConfig`)."""

from collections import Counter
from collections.abc import Iterator

from tritonclient.grpc.model_config_pb2 import ModelDynamicBatching, ModelQueuePolicy, ModelSequenceBatching

from profiler.triton.lint.model import Finding, Model, type_name

Control = ModelSequenceBatching.Control
VALUES = ("int32_false_true", "fp32_false_true", "bool_false_true")
CORRELATION_TYPES = ("TYPE_UINT64", "TYPE_INT64", "TYPE_UINT32", "TYPE_INT32", "TYPE_STRING")


def batching_rules(model: Model) -> Iterator[Finding]:
    """Rules on `dynamic_batching`."""
    config = model.config
    if not config.HasField("dynamic_batching"):
        return
    batching = config.dynamic_batching
    yield from preferred_sizes(model, "dynamic_batching", list(batching.preferred_batch_size))
    if config.max_batch_size == 0:
        yield model.warning("batching-unused", "dynamic_batching has no effect while max_batch_size is 0")
    levels = batching.priority_levels
    if levels:
        if not 1 <= (level := batching.default_priority_level) <= levels:
            yield model.error("priority", f"default_priority_level is {level}: choose from 1 to {levels}")
        for level in sorted(batching.priority_queue_policy):
            if not 1 <= level <= levels:
                yield model.error("priority", f"priority_queue_policy has level {level}: choose from 1 to {levels}")
    if batching.preserve_ordering:
        yield from order_rules(model, batching)


def order_rules(model: Model, batching: ModelDynamicBatching) -> Iterator[Finding]:
    """Rules on settings that `preserve_ordering` excludes."""
    if batching.priority_levels > 1:
        yield model.error("order", "preserve_ordering allows one priority level only: drop one of the two")
    policies = [batching.default_queue_policy, *batching.priority_queue_policy.values()]
    for policy in policies:
        if policy.default_timeout_microseconds and policy.timeout_action == ModelQueuePolicy.DELAY:
            yield model.error("order", "preserve_ordering excludes timeout_action DELAY: choose REJECT")
            return


def preferred_sizes(model: Model, where: str, sizes: list[int]) -> Iterator[Finding]:
    """Rules on the preferred batch sizes of the scheduler."""
    largest = model.config.max_batch_size
    for size in sizes:
        if not 0 < size <= largest:
            yield model.error("preferred-batch", f"{where} preferred_batch_size {size}: choose from 1 to {largest}")
            return


def sequence_rules(model: Model) -> Iterator[Finding]:
    """Rules on `sequence_batching`."""
    config = model.config
    if not config.HasField("sequence_batching"):
        return
    sequences = config.sequence_batching
    if config.response_cache.enable:
        yield model.error("cache", "response_cache does not work with sequence_batching: drop one of the two")
    yield from control_tensors(model, sequences)
    for name in ("CONTROL_SEQUENCE_START", "CONTROL_SEQUENCE_END", "CONTROL_SEQUENCE_READY", "CONTROL_SEQUENCE_CORRID"):
        yield from control_rules(model, sequences, name)
    if sequences.HasField("oldest"):
        yield from preferred_sizes(model, "sequence_batching", list(sequences.oldest.preferred_batch_size))
    share = sequences.direct.minimum_slot_utilization
    if share < 0 or share > 1:
        yield model.error("sequence", f"minimum_slot_utilization is {share}: choose from 0 to 1")
    for state in sequences.state:
        if len(state.initial_state) > 1:
            yield model.error("sequence", f"state {state.input_name!r} has more than one initial_state: keep one")


def control_tensors(model: Model, sequences: ModelSequenceBatching) -> Iterator[Finding]:
    """Every control tensor has a unique name."""
    names = Counter(tensor.name for tensor in sequences.control_input)
    if "" in names:
        yield model.error("sequence", "a control_input has no name: write it")
    for name in sorted(name for name, count in names.items() if name and count > 1):
        yield model.error("sequence", f"control_input {name!r} is there twice: put its controls into one")


def control_rules(model: Model, sequences: ModelSequenceBatching, name: str) -> Iterator[Finding]:
    """A kind of control occurs at most once, with values of its kind."""
    kind = Control.Kind.Value(name)
    found = [control for tensor in sequences.control_input for control in tensor.control if control.kind == kind]
    if len(found) > 1:
        yield model.error("sequence", f"{name} is there {len(found)} times: keep one")
    for control in found:
        sizes = [len(getattr(control, field)) for field in VALUES]
        given = [size for size in sizes if size]
        if kind == Control.CONTROL_SEQUENCE_CORRID:
            if given:
                yield model.error("sequence", f"{name} takes a data_type and none of {', '.join(VALUES)}")
            elif type_name(control.data_type) not in CORRELATION_TYPES:
                yield model.error("sequence", f"{name} takes a data_type of {', '.join(CORRELATION_TYPES)}")
        elif given != [2]:
            yield model.error("sequence", f"{name} takes exactly one of {', '.join(VALUES)}, with two values")


def cache_rules(model: Model) -> Iterator[Finding]:
    """Rules on `response_cache`."""
    if model.config.response_cache.enable:
        if model.config.model_transaction_policy.decoupled:
            yield model.error("cache", "response_cache does not work with a decoupled model: drop one of the two")
        yield model.warning("cache-on", "equal inputs are answered from the cache: leave it out while measuring")
