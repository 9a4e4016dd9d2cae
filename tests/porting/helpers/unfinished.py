"""Records of which a test has the fields that the tested function reads, and no others."""

from typing import Any, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)


def unfinished(kind: type[M], **values: Any) -> M:
    """A record with these values, which are not validated; to read a required field without one is an error."""
    return kind.model_construct(**values)
