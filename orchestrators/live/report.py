"""A load on live servers, and what a folder keeps of it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from orchestrators.live.figure import draw_runs
from orchestrators.live.known import Known
from orchestrators.live.outcome import outcome, write_outcome
from orchestrators.live.page import write_page
from orchestrators.live.requests import Traffic, write_traffic
from orchestrators.live.run import Run
from orchestrators.live.stalls import Stall, stall_probe
from orchestrators.live.traffic import send

JOURNAL, TRAFFIC, OUTCOME, FIGURE, PAGE = "journal.jsonl", "traffic.npz", "outcome.json", "live.png", "live.html"


def loaded(
    endpoint: str, schedules: Mapping[str, np.ndarray], known: Mapping[str, Known]
) -> tuple[Traffic, list[Stall]]:
    """What became of the requests, and when the machine stalled meanwhile."""
    with stall_probe() as probe:
        return send(endpoint, schedules, known), probe.stalls()


def report(run: Run, folder: Path) -> None:
    """Writes the raw requests, the figures, and the picture of them as PNG and HTML, beside the journal."""
    write_traffic(folder / TRAFFIC, run.traffic)
    write_outcome(folder / OUTCOME, outcome(run))
    draw_runs([run], folder / FIGURE)
    write_page([run], folder / PAGE)
