"""An ONNX file as a checked graph."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError, EncodeError
from onnx import ModelProto

from profiler.common.door import contents
from profiler.common.errors import BadInputError, ModelError
from profiler.graph.size import check_self_contained

# What a protocol buffer can hold.
LIMIT_BYTES = (1 << 31) - 1
FIX = "give the path of an ONNX file"


def read_onnx(path: Path) -> ModelProto:
    """The checked model; raises `ModelError` for a file that is missing, truncated or not ONNX."""
    try:
        content = contents(path, LIMIT_BYTES, FIX)
    except BadInputError as error:
        raise ModelError(str(error)) from error
    return parse_onnx(content, str(path))


def parse_onnx(content: bytes, name: str) -> ModelProto:
    """The checked model of a file's content; raises `ModelError` with the name for what is not ONNX."""
    try:
        model = onnx.load_model_from_string(content)
        check_self_contained(model)
        onnx.checker.check_model(content)
    except (DecodeError, EncodeError, onnx.checker.ValidationError, ValueError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise ModelError(f"{name} is truncated or not an ONNX file ({reason}): export it again") from error
    return model


def standard_opset(model: ModelProto) -> int:
    """The version of ONNX's own operators; raises `ModelError` where the file imports none of them."""
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx"):
            return int(entry.version)
    domains = ", ".join(entry.domain[:32] for entry in model.opset_import[:8]) or "none"
    raise ModelError(
        f"the file imports no operators of ONNX's own domain, but {domains}: export it with a standard one"
    )
