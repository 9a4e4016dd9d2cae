"""The parser of untrusted JSON: it checks size, schema and version, and reports the first fault in one line."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from profiler.common.errors import BadInputError

INDEX_LIMIT_BYTES = 128 << 20
DETAILS_LIMIT_BYTES = 16 << 20
# A value takes many times its bytes in memory, and a list of faults takes more.
LIMIT_VALUES = 500_000
SHOWN = 160
PUBLISH = "publish again with dnn-porting stage=publish"

M = TypeVar("M", bound=BaseModel)


def parsed(
    kind: type[M], content: bytes, place: str, within: str = "", limit_values: int = LIMIT_VALUES, fix: str = PUBLISH
) -> M:
    """The value in a JSON text; raises `BadInputError` that names `place`, the first fault and the fix.

    `within` is the position of the text in that place.
    """
    if len(content) > limit_values and content.count(b",") > limit_values:
        raise refused(place, within, f"it holds more than {limit_values} values", fix)
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise invalid(kind, error, place, within, fix) from error


def invalid(
    kind: type[BaseModel], error: ValidationError, place: str, within: str = "", fix: str = PUBLISH
) -> BadInputError:
    """The error for the first fault, or for a schema version that this program does not read."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if where == "schema_version" and where in kind.model_fields:
        readable = kind.model_fields["schema_version"].default
        return BadInputError(
            f"{place} has schema version {shown(str(first['input']))}, and this program reads version {readable}: "
            f"use the dnn-porting that wrote it, or {fix}"
        )
    return refused(place, within + where, first["msg"].removeprefix("Value error, "), fix)


def refused(place: str, where: str, why: str, fix: str = PUBLISH) -> BadInputError:
    """The error for a fault at a place."""
    at = f" at {shown(where.rstrip('.'))}" if where else ""
    return BadInputError(f"{place} is not valid{at}: {shown(why)}; {fix}")


def shown(text: str) -> str:
    """An untrusted text as one line of bounded length without control characters."""
    escaped = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[: SHOWN + 1])
    return escaped if len(escaped) <= SHOWN else f"{escaped[:SHOWN]}…"
