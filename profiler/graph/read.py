"""An ONNX file as a checked graph."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto

from profiler.errors import ModelError


def read_onnx(path: Path) -> ModelProto:
    """The checked model; raises `ModelError` for a file that is missing, truncated or not ONNX."""
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except FileNotFoundError as error:
        raise ModelError(f"{path} does not exist: give the path of an ONNX file") from error
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{path} is truncated or not an ONNX file ({reason}): export it again") from error
    return model
