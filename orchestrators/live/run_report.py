"""The files of a live run: requests, figures, a picture, and an HTML page that needs no network.

The page has the picture, the figures of each second under the pointer, and tables.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

import numpy as np

from orchestrators.live.expected_answers import ExpectedAnswers
from orchestrators.live.outcome import outcome
from orchestrators.live.run import Run, Traffic, write_traffic
from orchestrators.live.run_figure import DOTS_PER_INCH, draw
from orchestrators.live.series import TaskSeries, cpu_series, task_series
from orchestrators.live.stalls import Stall, stall_probe
from orchestrators.live.tables import tables
from orchestrators.live.traffic import send
from profiler.common.files import write_atomically, write_picture

JOURNAL, TRAFFIC, OUTCOME, FIGURE, PAGE = "journal.jsonl", "traffic.npz", "outcome.json", "live.png", "live.html"
HERE = Path(__file__).parent
TEMPLATE, SCRIPT = HERE / "page.html.jinja", HERE / "page.js"
PROLOGUE = re.compile(r".*?(?=<svg\b)", re.DOTALL)
METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)


def loaded(
    endpoint: str, schedules: Mapping[str, np.ndarray], expected: Mapping[str, ExpectedAnswers]
) -> tuple[Traffic, list[Stall]]:
    """Sends the load; returns the requests with their answers, and the stalls of the machine during it."""
    with stall_probe() as stalls:
        return send(endpoint, schedules, expected), stalls()


def report(run: Run, folder: Path) -> None:
    """Writes the raw requests, the figures, and the picture of them as PNG and HTML, into the journal's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_traffic(folder / TRAFFIC, run.traffic)
    write_atomically(folder / OUTCOME, outcome(run).model_dump_json(indent=1) + "\n")
    write_picture(folder / FIGURE, draw([run]), DOTS_PER_INCH)
    write_atomically(folder / PAGE, render_page([run]))


def render_page(runs: Sequence[Run]) -> str:
    """The page as HTML, with the runs side by side; its policy allows only its own script, and no request."""
    from jinja2 import Environment
    from markupsafe import Markup

    svg, places, width = picture(runs)
    columns = [
        {"left": left, "right": right, "seconds": texts(run)} for run, (left, right) in zip(runs, places, strict=True)
    ]
    script = SCRIPT.read_text()
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE.read_text()).render(
        title="Live: " + ", ".join(run.name for run in runs),
        width=f"{max(10.0, width):.1f}",
        svg=Markup(svg),  # noqa: S704
        tables=tables(runs),
        columns=columns,
        script=Markup(script),  # noqa: S704
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def picture(runs: Sequence[Run]) -> tuple[str, list[tuple[float, float]], float]:
    """The picture as SVG, the left and right end of each run as shares of its width, and its width in inches."""
    import matplotlib as mpl

    figure, text = draw(runs), StringIO()
    # Names of runs and variants stay text, and the same runs give the same file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "runs"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    boxes = [axes.get_position() for axes in figure.axes[-len(runs) :]]
    svg = METADATA.sub("", PROLOGUE.sub("", text.getvalue(), count=1))
    return svg, [(float(box.x0), float(box.x1)) for box in boxes], float(figure.get_figwidth())


def texts(run: Run) -> list[str]:
    """The text of each second of a run."""
    tasks = {
        task: task_series(one, run.traffic.seconds, run.deadline_ms) for task, one in sorted(run.traffic.tasks.items())
    }
    cpu = sorted(cpu_series(run).items())
    return [
        "\n".join([
            f"{run.name}, {second} s",
            *(f"{task}: {of_task(series, second)}" for task, series in tasks.items()),
            *(f"{server}: CPU {100 * shares[second]:.0f} %" for server, shares in cpu if np.isfinite(shares[second])),
        ])
        for second in range(run.traffic.seconds)
    ]  # fmt: skip


def of_task(series: TaskSeries, second: int) -> str:
    """The figures of a task in one second as text."""
    parts = [f"{series.demand_rps[second]:.0f} requests/s"]
    if np.isfinite(series.p50_ms[second]):
        parts.append(f"p50 {series.p50_ms[second]:.3g} ms, p99 {series.p99_ms[second]:.3g} ms")
    counts = {"late": series.late[second], "lost or wrong": series.unanswered[second]}
    parts += [f"{count:.0f} {name}" for name, count in counts.items() if count]
    parts += [f"{variant} {100 * share[second]:.0f} %" for variant, share in series.served.items() if share[second]]
    return ", ".join(parts)
