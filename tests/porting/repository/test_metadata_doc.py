"""docs/metadata.md names every field of the published metadata where it is declared, and none that is not there."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from support import ROOT

from porting.repository.figures import METRICS
from porting.repository.schema import Details, Index

PAGE = (ROOT / "docs" / "metadata.md").read_text()
METRICS_HEADING = "Metrics"


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation names, inside containers and unions too."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def published_models() -> set[type[BaseModel]]:
    """What index and details are made of, base classes included."""
    found: set[type[BaseModel]] = set()
    waiting: list[type[BaseModel]] = [Index, Details]
    while waiting:
        model = waiting.pop()
        if model not in found:
            found.add(model)
            waiting += [base for base in model.__bases__ if issubclass(base, BaseModel) and base is not BaseModel]
            waiting += [one for field in model.model_fields.values() for one in models_in(field.annotation)]
    return found


def declared(model: type[BaseModel]) -> set[str]:
    """The fields that a class declares itself; what it inherits stands under its base's heading."""
    return model.__annotations__.keys() & model.model_fields.keys()


def tables(page: str) -> dict[str, list[list[str]]]:
    """By heading, the cells of the rows that name something in their first cell."""
    sections = re.split(r"^#{2,3} (.+)$", page, flags=re.MULTILINE)[1:]
    return {
        heading: [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in body.splitlines()
            if line.startswith("| `")
        ]
        for heading, body in zip(sections[::2], sections[1::2], strict=True)
    }


def names(rows: list[list[str]]) -> list[str]:
    return [name for row in rows for name in re.findall(r"`(\w+)`", row[0])]


def faults(page: str) -> list[str]:
    """What the page lacks of the schema, and what it has that the schema lacks."""
    known = {model.__name__: declared(model) for model in published_models()}
    found = tables(page)
    headings = re.findall(r"^### (.+)$", page, flags=re.MULTILINE)
    conversion = known | {METRICS_HEADING: set(METRICS)}
    lacking = {f"{name} has no heading" for name in conversion.keys() - found.keys()}
    lacking |= {f"no record is named {name}" for name in set(headings) - known.keys()}
    lacking |= {f"{name} has two headings" for name in headings if headings.count(name) > 1}
    for heading, fields in conversion.items():
        rows = names(found.get(heading, []))
        lacking |= {f"{heading}.{field} is not explained" for field in fields - set(rows)}
        lacking |= {f"{heading} has no {field}" for field in set(rows) - fields}
        lacking |= {f"{heading}.{field} has two rows" for field in rows if rows.count(field) > 1}
    return sorted(lacking)


def test_every_field_stands_under_the_record_that_declares_it_and_no_other_does() -> None:
    assert faults(PAGE) == []


def test_no_two_published_records_share_a_name() -> None:
    found = [model.__name__ for model in published_models()]
    assert sorted(found) == sorted(set(found))


@pytest.mark.parametrize(("heading", "rows"), [(heading, rows) for heading, rows in tables(PAGE).items() if rows])
def test_every_row_has_a_meaning(heading: str, rows: list[list[str]]) -> None:
    width = 4 if heading == METRICS_HEADING else 3
    assert rows
    assert all(len(row) == width and row[-1] for row in rows)


def test_metrics_stand_with_their_direction_and_unit() -> None:
    stated = {row[0].strip("`"): (row[1], row[2]) for row in tables(PAGE)[METRICS_HEADING]}
    assert stated == {name: (metric.better, metric.unit) for name, metric in METRICS.items()}


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("| `steal_share` |", "| steal |", "Noise.steal_share is not explained"),
        ("| `per_hour` |", "| `per_day` |", "Price has no per_day"),
        ("| `p99_ms` | lower", "| p99 | lower", "Metrics.p99_ms is not explained"),
        ("### Usage", "### Use", "Usage has no heading"),
        ("### Usage", "### Use", "no record is named Use"),
        ("| `low`, `high` | 1 |", "| `low` | 1 |", "Accuracy.high is not explained"),
    ],
)
def test_a_page_that_is_behind_the_schema_is_found(before: str, after: str, fault: str) -> None:
    assert before in PAGE
    assert fault in faults(PAGE.replace(before, after, 1))
