"""The JSON text of an index: a digest of the rest first, then one entry a line, parsed one by one."""

import gc
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from porting.repository.consistency import MOST_VARIANTS, IndexCheck
from porting.repository.schema import Index, Published, Summary
from profiler.common.door import PUBLISH, invalid, parsed, refused
from profiler.common.files import sealed, unsealed

LISTS: dict[str, type[Summary]] = {"variants": Published, "dropped": Summary}
# Memory and time grow with the number of lines, most of which are entries, and with the number of values.
LIMIT_VALUES, COUNTED_BYTES = 8_000_000, 40_000_000
LIMIT_FRAME_BYTES = 8 << 20


def index_to_json(index: Index) -> str:
    """The JSON text of an index; raises `ValueError` for an index that contradicts itself."""
    check = IndexCheck(index.targets)
    for entry in (*index.variants, *index.dropped):
        check.add(entry)
    check.finish()
    frame = json.loads(index.model_copy(update={name: [] for name in LISTS}).model_dump_json(exclude={"seal"}))
    fields = {name: json.dumps(value, ensure_ascii=False) for name, value in frame.items()}
    for name in LISTS:
        entries = ",\n".join(one.model_dump_json() for one in getattr(index, name))
        fields[name] = f"[\n{entries}\n]"
    return sealed("{\n" + ",\n".join(f'"{name}": {text}' for name, text in fields.items()) + "\n}\n")


def index_from_json(content: bytes, place: str) -> Index:
    """The index in a text of `index_to_json`; raises `BadInputError` that names `place` and the first problem."""
    content = unsealed(content, place, PUBLISH)
    # Counting takes time, and below this size any number of values fits into memory.
    many = len(content) > COUNTED_BYTES and content.count(b",") > LIMIT_VALUES
    if many or content.count(b"\n") > MOST_VARIANTS:
        raise refused(place, "", f"it holds more than {MOST_VARIANTS} entries or {LIMIT_VALUES} values")
    lines, frame = divided(content)
    if frame is None:
        raise refused(place, "", "its entries are not on one line each")
    with without_collector():
        try:
            index = Index.model_validate(frame | {name: [] for name in LISTS})
        except ValidationError as error:
            raise invalid(Index, error, place) from error
        entries = read_entries(content, iter(lines), {name: len(frame[name]) for name in LISTS}, index, place)
        return index.model_copy(update=entries)


def read_entries(
    content: bytes, lines: Iterator[tuple[int, int]], counts: Mapping[str, int], index: Index, place: str
) -> dict[str, list[Summary]]:
    """The entries of an index by list, each parsed and checked against the others."""
    found: dict[str, list[Summary]] = {name: [] for name in LISTS}
    try:
        check = IndexCheck(index.targets)
        for name, kind in LISTS.items():
            for number in range(counts[name]):
                start, stop = next(lines)
                entry = parsed(kind, content[start:stop], place, f"{name}.{number}.")
                check.add(entry)
                found[name].append(entry)
        check.finish()
    except ValueError as error:
        raise refused(place, "", str(error)) from error
    return found


def divided(content: bytes) -> tuple[list[tuple[int, int]], dict[str, Any] | None]:
    """The start and end of each entry, and the frame: the rest of the index with a number in place of each entry.

    The frame is `None` where the text is not laid out with one entry a line. A JSON string has no line break, so a line
    that is valid JSON by itself is an entry of the whole.
    """
    entries: list[tuple[int, int]] = []
    rest: list[bytes] = []
    start = 0
    while start < len(content):
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        if content.startswith(b'{"', start):
            stop = end - content.endswith(b",", start, end)
            rest += [str(len(entries)).encode(), content[stop:end]]
            entries.append((start, stop))
        else:
            rest.append(content[start:end])
        start = end + 1
    frame = b"\n".join(rest)
    return entries, frame_of(frame, len(entries)) if len(frame) <= LIMIT_FRAME_BYTES else None


def frame_of(text: bytes, count: int) -> dict[str, Any] | None:
    """The parsed frame; `None` unless its lists hold exactly the numbers of `count` entries in order."""
    try:
        frame = from_json(text)
        lists = [frame[name] for name in LISTS]
    except (ValueError, TypeError, KeyError):
        return None
    in_order = all(isinstance(one, list) for one in lists) and [n for one in lists for n in one] == list(range(count))
    return frame if in_order else None


@contextmanager
def without_collector() -> Iterator[None]:
    """Pauses the garbage collector: parsed JSON has no reference cycles, and the search for them doubles the time.

    At the end the new objects join the oldest generation, so that the next collection does not traverse them.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        if enabled:
            gc.enable()
