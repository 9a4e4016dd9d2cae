"""The stored figures of benchmarks: one JSON file for each benchmark, and one page from all of them."""

import json
import shlex
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from profiler.system.machine import cpu_model

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "benchmarks"
PAGE = ROOT / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Figure:
    """One measured value; `interval` is its range over the repeats, or its 95 % interval, as `note` says."""

    value: float | None
    unit: str
    interval: tuple[float, float] | None = None
    note: str = ""


def machine() -> str:
    """This machine in words."""
    memory_gib = psutil.virtual_memory().total / 2**30
    return f"{cpu_model()}, {psutil.cpu_count()} cores, {memory_gib:.1f} GiB, {sys.platform}"


def record(name: str, figures: dict[str, Figure], whole: bool = True) -> None:
    """Prints the table, and writes `docs/benchmarks/<name>.json` and the page.

    Figures of a part, which are not the `whole`, replace their own rows; the other rows keep their dates.
    """
    # The folder of a file on this machine is no useful information.
    arguments = [Path(one).name if one.startswith("/") else one for one in sys.argv[1:]]
    command = shlex.join(["python", str(Path(sys.argv[0]).resolve().relative_to(ROOT)), *arguments])
    common = {"command": command, "machine": machine(), "date": datetime.now(UTC).date().isoformat()}
    show(name, figures)
    FOLDER.mkdir(parents=True, exist_ok=True)
    content = {figure: asdict(value) | common for figure, value in figures.items()}
    path = FOLDER / f"{name}.json"
    before = {} if whole or not path.exists() else json.loads(path.read_text())
    path.write_text(json.dumps(before | content, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(page())


def show(name: str, figures: dict[str, Figure]) -> None:
    """Prints the table on the terminal."""
    grid = Table("figure", "value", "unit", "interval", "note", title=name)
    for key, figure in figures.items():
        grid.add_row(key, number(figure.value), figure.unit, interval(figure.interval), figure.note)
    Console(width=160).print(grid)


def page() -> str:
    """`docs/benchmarks.md` from every JSON file."""
    parts = [
        "# Benchmarks\n\nThe scripts `scripts/benchmark_*.py` make this page from `docs/benchmarks/*.json`, "
        "without manual figures. No script measures http2, because the project does not use h2.\n"
    ]
    for path in sorted(FOLDER.glob("*.json")):
        content = json.loads(path.read_text())
        first = next(iter(content.values()))
        parts.append(f"\n## {path.stem}\n\n`{first['command']}` on {first['machine']}, {first['date']}\n")
        parts.append("\n| figure | value | unit | interval | note |\n|---|---:|---|---|---|\n")
        for key, figure in content.items():
            other = figure["date"] != first["date"] or figure["machine"] != first["machine"]
            made = f" ({figure['machine']}, {figure['date']})" if other else ""
            note = f"{figure['note']}{made}"
            cells = [key, number(figure["value"]), figure["unit"], interval(figure["interval"]), note]
            parts.append(f"| {' | '.join(cells)} |\n")
        if (picture := path.with_suffix(".png")).exists():
            parts.append(f"\n![{path.stem}]({FOLDER.name}/{picture.name})\n")
    return "".join(parts)


def number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def interval(ends: tuple[float, float] | list[float] | None) -> str:
    return "" if ends is None else f"{number(ends[0])} to {number(ends[1])}"
