"""Good and broken model folders, each with the rule that tells of it; `None` where the server must load it.

What is here was held against the real server: test_lint_server.py.
"""

from collections.abc import Callable
from pathlib import Path

from model_folders import GOOD, LABELLED, change_network, edited, ensemble, place, place_version, warm_up
from onnx import ModelProto

Change = Callable[[Path], object]
ONNX = 'backend: "onnxruntime"'
CPU = "{ count: 1 kind: KIND_CPU }"
SEQUENCE_START = "kind: CONTROL_SEQUENCE_START fp32_false_true: [0, 1]"


def parameter(key: str, value: str) -> str:
    return f'{GOOD}parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}'


def controls(*tensors: str) -> str:
    return f"{GOOD}sequence_batching {{ control_input [{', '.join(f'{{ {one} }}' for one in tensors)}] }}"


CONFIGS: dict[str, tuple[str | None, str | bytes]] = {
    "good": (None, GOOD),
    "text-with-a-comma-after-the-last": ("config-syntax", edited("[1, 8, 8]", "[1, 8, 8,]")),
    "text-with-spaces-for-commas": ("config-syntax", edited("[1, 8, 8]", "[1 8 8]")),
    "text-with-a-byte-order-mark": ("config-syntax", "\ufeff" + GOOD),
    "text-in-latin-1": (None, ("# caf\xe9\n" + GOOD).encode("latin1")),
    "text-with-a-nul": ("config-syntax", GOOD + "\0"),
    "text-cut-off": ("config-syntax", GOOD[:-8]),
    "text-with-angle-brackets": (None, edited(CPU, "< count: 1 kind: KIND_CPU >")),
    "text-with-an-escape-of-no-character": ("config-syntax", edited('"logits"', '"\\logits"')),
    "text-with-an-escaped-question-mark": (None, parameter("key", "\\?")),
    "text-with-an-escaped-byte": (None, parameter("key", "\\xff")),
    "text-with-an-escaped-number-too-large": (None, parameter("key", "\\400")),
    "text-with-an-escaped-letter-of-two-bytes": (None, parameter("key", "\\303\\251")),
    "text-without-a-colon": ("config-syntax", edited("max_batch_size: 4", "max_batch_size 4")),
    "text-with-a-string-in-parts": (None, edited('"input"', "'in' \"put\"")),
    "text-with-a-hexadecimal": (None, edited("max_batch_size: 4", "max_batch_size: 0x4")),
    "text-with-a-number-for-an-enum": (None, edited("TYPE_FP32 dims: [3]", "11 dims: [3]")),
    "field-unknown": ("config-syntax", GOOD + "max_batchsize: 3\n"),
    "field-twice": ("config-syntax", GOOD + "max_batch_size: 3\n"),
    "both-members-of-a-oneof": ("config-syntax", GOOD + "dynamic_batching { }\nsequence_batching { }"),
    "a-float-for-an-integer": ("config-syntax", edited("max_batch_size: 4", "max_batch_size: 4.0")),
    "a-number-too-large": ("config-syntax", edited("max_batch_size: 4", "max_batch_size: 4294967296")),
    "name-of-another": ("name-differs", 'name: "other"\n' + GOOD),
    "config-empty": (None, ""),
    "backend-unknown": ("backend", edited('"onnxruntime"', '"onnx"')),
    "backend-from-the-platform": (None, edited(ONNX, 'platform: "onnxruntime_onnx"')),
    "backend-from-the-file": (None, edited(ONNX, "")),
    "platform-unknown": ("backend", edited(ONNX, 'platform: "onnx"')),
    "platform-of-another-backend": ("platform", 'platform: "tensorrt_plan"\n' + GOOD),
    "runtime-of-the-official-build": ("runtime", 'runtime: "libtriton_onnxruntime.so"\n' + GOOD),
    "runtime-python": (None, 'runtime: "model.py"\n' + GOOD),
    "file-name-of-nothing": ("artefact-missing", 'default_model_filename: "other.onnx"\n' + GOOD),
    "file-name-by-a-way-round": (None, 'default_model_filename: "../1/model.onnx"\n' + GOOD),
    "batch-size-negative": ("batch-size", edited("max_batch_size: 4", "max_batch_size: -1")),
    "batch-size-missing": (None, edited("max_batch_size: 4", "")),
    "dims-zero": ("tensor-dims", edited("dims: [3]", "dims: [0]")),
    "dims-minus-two": ("tensor-dims", edited("dims: [3]", "dims: [-2]")),
    "dims-missing": ("tensor-dims", edited("dims: [3]", "")),
    "dims-not-those-of-the-graph": (None, edited("dims: [3]", "dims: [4]")),
    "type-missing": ("tensor-type", edited("data_type: TYPE_FP32 dims: [3]", "dims: [3]")),
    "type-unknown": ("config-syntax", edited("TYPE_FP32 dims: [3]", "TYPE_FP33 dims: [3]")),
    "type-not-that-of-the-graph": (None, edited("TYPE_FP32 dims: [3]", "TYPE_INT64 dims: [3]")),
    "output-without-a-name": ("tensor-name", edited('name: "logits" ', "")),
    "output-not-in-the-graph": (None, edited('"logits"', '"other"')),
    "input-not-in-the-graph": (None, edited('"input"', '"other"')),
    "input-twice": (None, GOOD + 'input [{ name: "input" data_type: TYPE_FP32 dims: [1, 8, 8] }]'),
    "reshape": (None, edited("dims: [1, 8, 8]", "dims: [64] reshape { shape: [1, 8, 8] }")),
    "reshape-of-another-size": ("reshape", edited("dims: [1, 8, 8]", "dims: [65] reshape { shape: [1, 8, 8] }")),
    "reshape-of-a-free-axis": (None, edited("dims: [1, 8, 8]", "dims: [-1, 8] reshape { shape: [1, -1, 8] }")),
    "reshape-of-more-free-axes": ("reshape", edited("dims: [1, 8, 8]", "dims: [-1] reshape { shape: [-1, -1] }")),
    "reshape-to-nothing": (None, edited("dims: [3]", "dims: [1] reshape { }")),
    "picture-of-two-dims": ("tensor-format", edited("dims: [1, 8, 8]", "dims: [8, 8] format: FORMAT_NCHW")),
    "shape-tensor": ("tensor-kind", edited("dims: [1, 8, 8]", "dims: [1, 8, 8] is_shape_tensor: true")),
    "batch-input-without-a-source": (
        "batch-tensor",
        GOOD + 'batch_input [{ kind: BATCH_ELEMENT_COUNT target_name: "x" data_type: TYPE_FP32 }]',
    ),
    "batch-input-of-half-floats": (
        "batch-tensor",
        GOOD + 'batch_input [{ kind: BATCH_ITEM_SHAPE target_name: "x" data_type: TYPE_FP16 source_input: "input" }]',
    ),
    "batch-output-of-nothing": ("batch-tensor", GOOD + 'batch_output [{ target_name: "y" source_input: "input" }]'),
    "instances-on-a-processor-with-gpus": ("instance-gpus", edited("KIND_CPU", "KIND_CPU gpus: [0]")),
    "instances-of-the-model-with-gpus": ("instance-gpus", edited("KIND_CPU", "KIND_MODEL gpus: [0]")),
    "instances-of-the-model": (None, edited("KIND_CPU", "KIND_MODEL")),
    "instances-anywhere": (None, edited("KIND_CPU", "KIND_AUTO")),
    "instances-unsaid": (None, edited(f"instance_group [{CPU}]", "")),
    "instances-less-than-none": (None, edited("count: 1", "count: -1")),
    "instances-of-an-unknown-kind": ("instance-kind", edited("KIND_CPU", "99")),
    "instances-with-a-profile": ("instance-profile", edited("KIND_CPU", 'KIND_CPU profile: "0"')),
    "policy-of-no-version": ("version-none", GOOD + "version_policy { latest { num_versions: 0 } }"),
    "policy-of-a-missing-version": ("version-none", GOOD + "version_policy { specific { versions: [2] } }"),
    "policy-of-one-version-that-is-there": (None, GOOD + "version_policy { specific { versions: [1, 2] } }"),
    "policy-of-all": (None, GOOD + "version_policy { all { } }"),
    "policy-empty": (None, GOOD + "version_policy { }"),
    "batching-above-the-maximum": ("preferred-batch", GOOD + "dynamic_batching { preferred_batch_size: [8] }"),
    "batching-of-the-maximum": (None, GOOD + "dynamic_batching { preferred_batch_size: [4] }"),
    "batching-of-none": ("preferred-batch", GOOD + "dynamic_batching { preferred_batch_size: [0] }"),
    "batching-without-a-batch-axis": (None, edited("max_batch_size: 4", "max_batch_size: 0") + "dynamic_batching { }"),
    "delay-negative": ("config-syntax", GOOD + "dynamic_batching { max_queue_delay_microseconds: -1 }"),
    "priority-without-a-default": ("priority", GOOD + "dynamic_batching { priority_levels: 2 }"),
    "priority-with-a-default": (None, GOOD + "dynamic_batching { priority_levels: 2 default_priority_level: 1 }"),
    "priority-of-a-level-too-high": (
        "priority",
        GOOD + "dynamic_batching { priority_levels: 2 default_priority_level: 1 priority_queue_policy { key: 3 } }",
    ),
    "order-kept-over-priorities": (
        "order",
        GOOD + "dynamic_batching { preserve_ordering: true priority_levels: 2 default_priority_level: 1 }",
    ),
    "order-kept-and-delayed": (
        "order",
        GOOD + "dynamic_batching { preserve_ordering: true default_queue_policy "
        "{ timeout_action: DELAY default_timeout_microseconds: 5 } }",
    ),
    "sequence": (None, GOOD + "sequence_batching { }"),
    "sequence-with-a-cache": ("cache", GOOD + "sequence_batching { }\nresponse_cache { enable: true }"),
    "sequence-control-without-a-name": ("sequence", controls(f"control [{{ {SEQUENCE_START} }}]")),
    "sequence-control-of-three-values": (
        "sequence",
        controls(f'name: "S" control [{{ {SEQUENCE_START.replace("[0, 1]", "[0, 1, 2]")} }}]'),
    ),
    "sequence-control-twice": (
        "sequence",
        controls(f'name: "S" control [{{ {SEQUENCE_START} }}]', f'name: "T" control [{{ {SEQUENCE_START} }}]'),
    ),
    "sequence-tensor-twice": (
        "sequence",
        controls(
            f'name: "S" control [{{ {SEQUENCE_START} }}]',
            'name: "S" control [{ kind: CONTROL_SEQUENCE_END fp32_false_true: [0, 1] }]',
        ),
    ),
    "sequence-id-of-floats": (
        "sequence",
        controls('name: "S" control [{ kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_FP32 }]'),
    ),
    "sequence-id": (None, controls('name: "S" control [{ kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_UINT64 }]')),
    "sequence-batch-above-the-maximum": (
        "preferred-batch",
        GOOD + "sequence_batching { oldest { preferred_batch_size: [8] } }",
    ),
    "sequence-share-above-one": ("sequence", GOOD + "sequence_batching { direct { minimum_slot_utilization: 1.5 } }"),
    "sequence-share-not-a-number": (None, GOOD + "sequence_batching { direct { minimum_slot_utilization: nan } }"),
    "cache": (None, GOOD + "response_cache { enable: true }"),
    "cache-of-a-decoupled-model": (
        "cache",
        GOOD + "response_cache { enable: true }\nmodel_transaction_policy { decoupled: true }",
    ),
    "warm-up": (None, warm_up()),
    "warm-up-from-random-bytes": (None, warm_up("random_data: true")),
    "warm-up-above-the-maximum": ("warmup-batch", warm_up(batch=8)),
    "warm-up-that-is-skipped": (None, warm_up(dims="[1, 9, 8]", batch=0)),
    "warm-up-of-another-shape": ("warmup-dims", warm_up(dims="[1, 8, 9]")),
    "warm-up-with-the-batch-axis": ("warmup-dims", warm_up(dims="[1, 1, 8, 8]")),
    "warm-up-of-a-free-axis": ("warmup-dims", warm_up(dims="[1, 8, -1]")),
    "warm-up-of-a-free-axis-made-fast": (None, warm_up().replace("dims: [1, 8, 8] }]", "dims: [-1, 8, 8] }]")),
    "warm-up-of-another-type": ("warmup-type", warm_up(kind="TYPE_FP16")),
    "warm-up-without-data": ("warmup-data", warm_up("")),
    "warm-up-without-its-file": ("warmup-file", warm_up('input_data_file: "x"')),
    "warm-up-without-inputs": ("warmup-inputs", GOOD + 'model_warmup [{ name: "w" batch_size: 1 }]'),
    "warm-up-of-an-output-that-is-not-there": ("output-unknown", warm_up().replace('"logits"', '"other"')),
    "warm-up-of-an-output-of-other-dims": (None, warm_up().replace("dims: [3]", "dims: [4]")),
    "warm-up-of-a-type-that-the-graph-has-not": (
        "input-type",
        warm_up(kind="TYPE_FP64").replace("TYPE_FP32 dims: [1, 8, 8] }]", "TYPE_FP64 dims: [1, 8, 8] }]"),
    ),
    "warm-up-of-a-shape-that-the-graph-has-not": (
        "warmup-dims",
        warm_up(dims="[2, 8, 8]").replace("dims: [1, 8, 8] }]", "dims: [2, 8, 8] }]"),
    ),
    "labels-missing": ("label-missing", LABELLED),
    "threads-in-words": ("parameter", parameter("intra_op_thread_count", "two")),
    "threads-with-a-unit": ("parameter", parameter("inter_op_thread_count", "1x")),
    "threads-unsaid": ("parameter", parameter("intra_op_thread_count", "")),
    "threads-beyond-32-bits": ("parameter", parameter("intra_op_thread_count", "99999999999")),
    "threads-negative": (None, parameter("intra_op_thread_count", "-3")),
    "execution-mode-unknown": (None, parameter("execution_mode", "3")),
    "only-cpu-inputs-perhaps": ("parameter", parameter("FORCE_CPU_ONLY_INPUT_TENSORS", "maybe")),
    "graph-level-unknown": (None, GOOD + "optimization { graph { level: 7 } }"),
    "accelerator-unknown": (
        "accelerator",
        GOOD + 'optimization { execution_accelerators { cpu_execution_accelerator [{ name: "fast" }] } }',
    ),
    "ensemble-member": (None, GOOD),
    "ensemble": (None, ensemble()),
    "ensemble-without-steps": ("ensemble", 'platform: "ensemble"\nensemble_scheduling { }'),
    "ensemble-without-a-schedule": ("ensemble", 'platform: "ensemble"\n'),
    "ensemble-of-a-model-that-is-not-there": (
        "ensemble-member",
        ensemble(member='model_name: "nowhere" model_version: -1'),
    ),
    "ensemble-of-a-refused-model": ("ensemble-member", ensemble(member='model_name: "dims-zero" model_version: -1')),
    "ensemble-of-a-version-that-is-not-there": ("ensemble-member", ensemble(member='model_name: "ensemble-member"')),
    "ensemble-of-itself": (
        "ensemble-circle",
        ensemble(
            member='model_name: "ensemble-of-itself" model_version: -1',
            input_map='input_map { key: "x" value: "x" }',
            output_map='output_map { key: "y" value: "y" }',
        ),
    ),
    "ensemble-with-instances": ("ensemble", ensemble(head="instance_group [{ kind: KIND_CPU }]")),
    "ensemble-with-a-backend": ("backend", ensemble(head=ONNX)),
    "ensemble-without-an-input-map": ("ensemble-step", ensemble(input_map="")),
    "ensemble-of-a-tensor-from-nowhere": (
        "ensemble-flow",
        ensemble(input_map='input_map { key: "input" value: "z" }'),
    ),
    "ensemble-that-does-not-make-its-output": (
        "ensemble-flow",
        ensemble(output_map='output_map { key: "logits" value: "z" }'),
    ),
    "ensemble-of-an-input-that-is-not-there": (
        "ensemble-map",
        ensemble(input_map='input_map { key: "nope" value: "x" }'),
    ),
    "ensemble-of-another-type": ("ensemble-map", ensemble(output="TYPE_FP64 dims: [3]")),
    "ensemble-of-another-shape": ("ensemble-map", ensemble(output="TYPE_FP32 dims: [4]")),
    "ensemble-of-larger-batches": ("ensemble-member", ensemble(batch="8")),
}


def versions(*folders: str) -> Change:
    """Version folders in place of the first."""

    def change(folder: Path) -> None:
        (folder / "1").rename(folder / folders[0])
        for other in folders[1:]:
            place_version(folder, other)

    return change


def network(change: Callable[[ModelProto], object]) -> Change:
    """Another network."""
    return lambda folder: change_network(folder, change)


def content(make: Callable[[bytes], bytes]) -> Change:
    """Other bytes for the network."""

    def change(folder: Path) -> None:
        path = folder / "1" / "model.onnx"
        path.write_bytes(make(path.read_bytes()))

    return change


def outside_weights(location: str, kept_bytes: int = 144, file: str | None = None, **entries: int) -> Change:
    """The first weights, 144 bytes, moved to a file of their own, of which some may lack."""

    def move(model: ModelProto, folder: Path) -> None:
        weights = model.graph.initializer[0]
        path = folder / "1" / (file or location)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(weights.raw_data[:kept_bytes])
        weights.ClearField("raw_data")
        weights.data_location = 1
        for key, value in {"location": location, **entries}.items():
            weights.external_data.add(key=key, value=str(value))

    return lambda folder: change_network(folder, lambda model: move(model, folder))


def link(name: str, target: str) -> Change:
    return lambda folder: (folder / name).symlink_to(target)


def drop(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def all_of(*changes: Change) -> Change:
    """These changes, one after the other."""
    return lambda folder: [change(folder) for change in changes]


def warm_up_file(content: bytes) -> Change:
    return all_of(lambda folder: (folder / "warmup").mkdir(), lambda folder: (folder / "warmup/x").write_bytes(content))


def folder_for_file(folder: Path) -> None:
    path = folder / "1" / "model.onnx"
    data = path.read_bytes()
    path.unlink()
    path.mkdir()
    (path / "model.onnx").write_bytes(data)


def set_node(index: int, field: str, value: str) -> Change:
    return network(lambda model: setattr(model.graph.node[index], field, value))


def file_for_version(folder: Path) -> None:
    (folder / "1" / "model.onnx").rename(folder / "model.onnx")
    (folder / "1").rmdir()
    (folder / "1").write_text("")


FOLDERS: dict[str, tuple[str | None, str | None, Change]] = {
    "no-config": ("config-missing", None, lambda folder: None),
    "no-version": ("version-none", GOOD, all_of(drop("1/model.onnx"), lambda folder: (folder / "1").rmdir())),
    "file-for-a-version": ("version-none", GOOD, file_for_version),
    "version-in-words": ("version-none", GOOD, versions("one")),
    "version-with-a-leading-zero": ("version-none", GOOD, versions("01")),
    "version-zero": (None, GOOD, versions("0")),
    "version-negative": ("version-range", GOOD, versions("-1")),
    "version-with-a-word": ("version-name", GOOD, versions("1abc")),
    "version-with-a-sign": ("version-name", GOOD, versions("+1")),
    "version-twice": (None, GOOD, versions("1", "1abc")),
    "newest-version-empty": ("artefact-missing", GOOD, lambda folder: (folder / "2").mkdir()),
    "newest-version-broken": ("onnx-unreadable", GOOD, lambda folder: place_version(folder, "2", b"junk")),
    "older-version-broken": (None, GOOD, lambda folder: place_version(folder, "0", b"junk")),
    "older-version-broken-and-wanted": (
        "onnx-unreadable",
        GOOD + "version_policy { all { } }",
        lambda folder: place_version(folder, "0", b"junk"),
    ),
    "first-folder-without-the-file": ("backend", edited(ONNX, ""), lambda folder: (folder / "0aux").mkdir()),
    "onnx-missing": ("artefact-missing", GOOD, drop("1/model.onnx")),
    "onnx-empty": ("onnx-graph", GOOD, content(lambda data: b"")),
    "onnx-junk": ("onnx-unreadable", GOOD, content(lambda data: b"junk")),
    "onnx-cut-off": ("onnx-unreadable", GOOD, content(lambda data: data[:-40])),
    "onnx-folder": ("artefact-kind", GOOD, folder_for_file),
    "onnx-of-a-later-format": ("onnx-version", GOOD, network(lambda model: setattr(model, "ir_version", 14))),
    "onnx-of-the-latest-format": (None, GOOD, network(lambda model: setattr(model, "ir_version", 13))),
    "onnx-of-a-later-opset": ("onnx-version", GOOD, network(lambda m: setattr(m.opset_import[0], "version", 27))),
    "onnx-of-the-latest-opset": (None, GOOD, network(lambda m: setattr(m.opset_import[0], "version", 26))),
    "onnx-of-no-opset": ("onnx-version", GOOD, network(lambda model: model.ClearField("opset_import"))),
    "onnx-without-a-graph": ("onnx-graph", GOOD, network(lambda model: model.ClearField("graph"))),
    "onnx-without-nodes": ("onnx-graph", GOOD, network(lambda model: model.graph.ClearField("node"))),
    "onnx-without-a-graph-name": (None, GOOD, network(lambda model: model.graph.ClearField("name"))),
    "onnx-of-an-unknown-operator": ("onnx-operator", GOOD, set_node(1, "op_type", "Nope")),
    "onnx-of-an-unknown-domain": ("onnx-operator", GOOD, set_node(1, "domain", "nope")),
    "onnx-of-nodes-in-another-order": (
        None,
        GOOD,
        network(lambda model: model.graph.node.sort(key=lambda node: node.op_type, reverse=True)),
    ),
    "onnx-of-a-value-from-nowhere": (
        "onnx-graph",
        GOOD,
        network(lambda model: model.graph.node[1].input.__setitem__(0, "nowhere")),
    ),
    "onnx-of-a-value-made-twice": (
        "onnx-graph",
        GOOD,
        network(lambda model: model.graph.node[1].output.__setitem__(0, model.graph.node[0].output[0])),
    ),
    "onnx-of-weights-too-short": (
        "onnx-graph",
        GOOD,
        network(lambda m: setattr(m.graph.initializer[0], "raw_data", m.graph.initializer[0].raw_data[:-4])),
    ),
    "onnx-of-weights-of-another-shape": (
        "onnx-graph",
        GOOD,
        network(lambda model: model.graph.initializer[2].dims.__setitem__(0, 4)),
    ),
    "weights-outside": (None, GOOD, outside_weights("w.bin")),
    "weights-in-a-folder": (None, GOOD, outside_weights("sub/w.bin")),
    "weights-outside-too-short": ("external-data", GOOD, outside_weights("w.bin", kept_bytes=140)),
    "weights-outside-of-the-wrong-length": ("external-data", GOOD, outside_weights("w.bin", length=140)),
    "weights-outside-beyond-the-end": ("external-data", GOOD, outside_weights("w.bin", offset=4, length=144)),
    "weights-in-the-folder-above": ("external-data", GOOD, outside_weights("../w.bin")),
    "weights-nowhere": ("external-data", GOOD, outside_weights("nowhere.bin", file="w.bin")),
    "weights-without-a-place": ("external-data", GOOD, outside_weights("", file="w.bin")),
    "weights-behind-a-link": (
        "external-data",
        GOOD,
        lambda folder: outside_weights("w.bin", file="../w.bin")(folder) or link("1/w.bin", "../w.bin")(folder),
    ),
    "link-to-nowhere": ("link-dangling", GOOD, link("x", "nowhere")),
    "link-to-nowhere-in-the-version": (None, GOOD, link("1/x", "nowhere")),
    "link-to-itself": (None, GOOD, link("loop", ".")),
    "link-for-a-version": (None, GOOD, link("2", "1")),
    "labels": (None, LABELLED, lambda folder: (folder / "labels.txt").write_text("a\nb\nc\n")),
    "labels-twice": (
        "label-twice",
        LABELLED + 'output [{ name: "logits" data_type: TYPE_FP32 dims: [3] label_filename: "labels.txt" }]',
        lambda folder: (folder / "labels.txt").write_text("a\n"),
    ),
    "warm-up-from-a-file": (
        None,
        warm_up('input_data_file: "x"'),
        warm_up_file(bytes(256)),
    ),
    "warm-up-from-a-short-file": (
        "warmup-file",
        warm_up('input_data_file: "x"'),
        warm_up_file(bytes(255)),
    ),
    "ensemble-without-a-version": ("version-none", ensemble(), lambda folder: (folder / "1").rmdir()),
    ".hidden": (None, GOOD, lambda folder: None),
    "n.dot": (None, GOOD, lambda folder: None),
    "UPPER": (None, GOOD, lambda folder: None),
    "ünïcode": (None, GOOD, lambda folder: None),
}

RULES: dict[str, str | None] = {
    **{name: rule for name, (rule, _) in CONFIGS.items()},
    **{name: rule for name, (rule, _, _) in FOLDERS.items()},
}


def build(root: Path) -> None:
    """All of them in one repository."""
    for name, (_, config) in CONFIGS.items():
        place(root, name, config)
    for name, (_, text, change) in FOLDERS.items():
        change(place(root, name, text))
