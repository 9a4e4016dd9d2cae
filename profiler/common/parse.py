"""From bytes that anybody may have written to a value: its size, its version, and what is wrong with it in one line."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from profiler.common.errors import BadInputError

INDEX_LIMIT_BYTES = 128 << 20
DETAILS_LIMIT_BYTES = 16 << 20
# A value takes many times its bytes in memory, and what is wrong with it more.
LIMIT_VALUES = 500_000
SHOWN = 160
PUBLISH = "publish again with dnn-porting stage=publish"

M = TypeVar("M", bound=BaseModel)


def parsed(
    kind: type[M], content: bytes, place: str, within: str = "", limit_values: int = LIMIT_VALUES, fix: str = PUBLISH
) -> M:
    """The value in a JSON text; raises `BadInputError` that names `place`, the first thing that is wrong and the fix.

    `within` is where in that place the text stands.
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
    """What is first wrong, in words."""
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
    """The error for what is wrong at a place."""
    at = f" at {shown(where.rstrip('.'))}" if where else ""
    return BadInputError(f"{place} is not valid{at}: {shown(why)}; {fix}")


def shown(text: str) -> str:
    """What somebody else wrote, in one line of a bounded length without control characters."""
    escaped = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[: SHOWN + 1])
    return escaped if len(escaped) <= SHOWN else f"{escaped[:SHOWN]}…"
