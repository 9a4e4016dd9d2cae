"""A JSON object whose first field, `seal`, is the SHA-256 of all text behind it: a changed byte is found on reading."""

import hashlib
import re

from profiler.common.errors import BadInputError

OPENED = "{\n"
SEAL = re.compile(rb'\{\n"seal": "([0-9a-f]{64})",\n')


def sealed(text: str) -> str:
    """The text of an object, which has its first field in a line of its own, with the seal before that field."""
    body = text.removeprefix(OPENED)
    return f'{OPENED}"seal": "{hashlib.sha256(body.encode()).hexdigest()}",\n{body}'


def unsealed(content: bytes, place: str, fix: str) -> bytes:
    """The object without its seal; raises `BadInputError` with the fix where that is missing or another one."""
    seal = SEAL.match(content)
    body = content[seal.end() :] if seal else b""
    if not content.startswith(OPENED.encode() + b'"seal"'):
        raise BadInputError(
            f"{place} is truncated, damaged or was changed since it was written, or another version of this program "
            f"wrote it: take that version, or {fix}"
        )
    if seal is None or hashlib.sha256(body).hexdigest() != seal[1].decode():
        raise BadInputError(f"{place} is truncated, damaged or was changed since it was written: {fix}")
    return OPENED.encode() + body
