"""Rules on the sizes of weights, in the ONNX file or in files beside it, which are never read."""

from collections.abc import Iterator

from onnx import TensorProto

from profiler.triton.lint.graph import BYTES_OF
from profiler.triton.lint.model import Finding, Model, elements
from profiler.triton.lint.skeleton import Skeleton


def tensor_problems(skeleton: Skeleton) -> Iterator[str]:
    """Weights whose number of bytes does not fit their shape."""
    for tensor in skeleton.model.graph.initializer:
        if any(dim < 0 for dim in tensor.dims):
            yield f"weights {tensor.name!r} have the shape {list(tensor.dims)}"
            continue
        stored = skeleton.left_out.get(tensor.name, len(tensor.raw_data))
        if stored and not is_external(tensor) and stored != needed_bytes(tensor, stored):
            yield f"weights {tensor.name!r} of shape {list(tensor.dims)} have {stored:,} bytes"


def is_external(tensor: TensorProto) -> bool:
    """Whether a tensor's content is in another file."""
    return bool(tensor.data_location == TensorProto.EXTERNAL)


def needed_bytes(tensor: TensorProto, otherwise: int) -> int:
    """The bytes of a tensor by its type and shape, `otherwise` for a type whose width is not a number of bytes."""
    width = BYTES_OF.get(tensor.data_type)
    return otherwise if width is None else elements(tensor.dims) * width


def external_rules(model: Model, file: str, skeleton: Skeleton) -> Iterator[Finding]:
    """The file of every external tensor is beside the ONNX file and has enough bytes."""
    for tensor in skeleton.model.graph.initializer:
        found = problem(model, file, tensor) if is_external(tensor) else None
        if found is not None:
            yield model.error("external-data", f"{found}: export it again, or put its files beside it", file)


def problem(model: Model, file: str, tensor: TensorProto) -> str | None:
    """The reason why ONNX Runtime refuses the data of a tensor, `None` where it does not."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    label = f"weights {tensor.name!r}"
    if not location:
        return f"{label} name no file"
    parent = file.rpartition("/")[0]
    folder, data = model.place(parent).parts, model.place(f"{parent}/{location}")
    inside = data.kind == "file" and data.parts[: len(folder)] == folder
    if location.startswith("/") or data.kind == "outside" or (data.kind == "file" and not inside):
        return f"{label} are at {location!r}, outside the folder of the ONNX file"
    if data.kind != "file":
        return f"{label} are in {location!r}, which is no file"
    return size_problem(label, entries, needed_bytes(tensor, -1), data.size)


def size_problem(label: str, entries: dict[str, str], needed: int, file_bytes: int) -> str | None:
    """The reason why the offset and length of a tensor do not fit its shape or file, `None` where they do."""
    texts = {key: entries.get(key, "") for key in ("offset", "length")}
    if not all(text == "" or (text.isdecimal() and text.isascii() and len(text) < 20) for text in texts.values()):
        return f"{label} have offset {texts['offset']!r} and length {texts['length']!r}"
    offset = int(texts["offset"] or 0)
    length = int(texts["length"]) if texts["length"] else max(needed, 0)
    if needed >= 0 and texts["length"] and length != needed:
        return f"{label} need {needed:,} bytes, and length says {length:,}"
    if offset + length > file_bytes:
        return f"{label} end at byte {offset + length:,} of a file of {file_bytes:,}"
    return None
