"""Rules on weights in files beside the ONNX file, which are checked by location and size and never read."""

from collections.abc import Iterator

from onnx import TensorProto

from profiler.triton.lint.model import Finding, Model
from profiler.triton.lint.rules_onnx import is_external, needed_bytes
from profiler.triton.lint.skeleton import Skeleton
from profiler.triton.lint.tree import Place


def external_rules(model: Model, file: str, skeleton: Skeleton) -> Iterator[Finding]:
    """The file of every external tensor lies beside the ONNX file and has enough bytes."""
    for tensor in skeleton.model.graph.initializer:
        found = problem(model, file, tensor) if is_external(tensor) else None
        if found is not None:
            yield model.error("external-data", f"{found}: export it again, or lay its files beside it", file)


def problem(model: Model, file: str, tensor: TensorProto) -> str | None:
    """The reason why ONNX Runtime refuses the data of a tensor, `None` where it does not."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    label = f"weights {tensor.name!r}"
    if not location:
        return f"{label} name no file"
    folder, data = parent(model, file), data_place(model, file, location)
    inside = data.kind == "file" and data.parts[: len(folder)] == folder
    if location.startswith("/") or data.kind == "leaves" or (data.kind == "file" and not inside):
        return f"{label} lie at {location!r}, outside the folder of the ONNX file"
    if data.kind != "file":
        return f"{label} lie in {location!r}, which is no file"
    return size_problem(label, entries, needed_bytes(tensor, -1), data.size)


def parent(model: Model, file: str) -> tuple[str, ...]:
    """The path of the folder of the ONNX file below the repository's root."""
    return model.place(file.rpartition("/")[0]).parts


def data_place(model: Model, file: str, location: str) -> Place:
    """The place of a data file that is named relative to the ONNX file."""
    return model.place(f"{file.rpartition('/')[0]}/{location}")


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
