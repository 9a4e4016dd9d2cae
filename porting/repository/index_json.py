"""The index as text: a digest of all that follows it, then one entry a line, so that it is never one large tree."""

import gc
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from porting.repository.consistency import MOST_VARIANTS, IndexCheck, check_index
from porting.repository.schema import Index, Published, Summary
from profiler.common.files import sealed, unsealed
from profiler.common.parse import PUBLISH, invalid, parsed, refused

LISTS: dict[str, type[Summary]] = {"variants": Published, "dropped": Summary}
# Memory and time grow with lines, most of which are entries, and with values, whatever their sizes.
LIMIT_VALUES, COUNTED_BYTES = 8_000_000, 40_000_000
LIMIT_FRAME_BYTES = 8 << 20


def index_to_json(index: Index) -> str:
    """The JSON of an index; raises `ValueError` for one that contradicts itself."""
    check_index(index)
    frame = json.loads(index.model_copy(update={name: [] for name in LISTS}).model_dump_json(exclude={"seal"}))
    fields = {name: json.dumps(value, ensure_ascii=False) for name, value in frame.items()}
    for name in LISTS:
        entries = ",\n".join(one.model_dump_json() for one in getattr(index, name))
        fields[name] = f"[\n{entries}\n]"
    return sealed("{\n" + ",\n".join(f'"{name}": {text}' for name, text in fields.items()) + "\n}\n")


def index_from_json(content: bytes, place: str) -> Index:
    """The index in a text of `index_to_json`; raises `BadInputError` that names `place` and what is first wrong."""
    content = unsealed(content, place, PUBLISH)
    # To count values takes a while, and below this size they fit into memory however many they are.
    many = len(content) > COUNTED_BYTES and content.count(b",") > LIMIT_VALUES
    if many or content.count(b"\n") > MOST_VARIANTS:
        raise refused(place, "", f"it holds more than {MOST_VARIANTS} entries or {LIMIT_VALUES} values")
    lines, frame = divided(content)
    if frame is None:
        raise refused(place, "", "its entries do not stand in a line each")
    with without_collector():
        index = validated(frame | {name: [] for name in LISTS}, place)
        entries = read_entries(content, iter(lines), {name: len(frame[name]) for name in LISTS}, index, place)
        return index.model_copy(update=entries)


def read_entries(
    content: bytes, lines: Iterator[tuple[int, int]], counts: Mapping[str, int], index: Index, place: str
) -> dict[str, list[Summary]]:
    """The entries of an index by its lists, each parsed and held against the others."""
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


def validated(frame: dict[str, Any], place: str) -> Index:
    """The index of which the entries are values already."""
    try:
        return Index.model_validate(frame)
    except ValidationError as error:
        raise invalid(Index, error, place) from error


def divided(content: bytes) -> tuple[list[tuple[int, int]], dict[str, Any] | None]:
    """Where the entries are, each a line, and what is around them with their numbers instead, if it is laid out so.

    A text in JSON has no line break, so that an entry which is valid by itself is one of the whole.
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
    return entries, around(frame, len(entries)) if len(frame) <= LIMIT_FRAME_BYTES else None


def around(text: bytes, count: int) -> dict[str, Any] | None:
    """The frame, where its lists hold the numbers of `count` entries in their order and nothing else."""
    try:
        frame = from_json(text)
        lists = [frame[name] for name in LISTS]
    except (ValueError, TypeError, KeyError):
        return None
    in_order = all(isinstance(one, list) for one in lists) and [n for one in lists for n in one] == list(range(count))
    return frame if in_order else None


@contextmanager
def without_collector() -> Iterator[None]:
    """Nothing that is read has a circle, and looking for some takes as long as reading.

    What was read joins the oldest objects in the end, or else the very next collection would look through all of it.
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
