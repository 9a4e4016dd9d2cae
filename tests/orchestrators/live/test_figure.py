"""Live runs as PNG and as a page."""

import re
from pathlib import Path

import numpy as np
import pytest
from made_run import BEES, DIGITS, START_S, made_run, requests, switched
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.typing import ColorType
from playwright.sync_api import sync_playwright

from orchestrators.live.panels import DARK, RED
from orchestrators.live.run import Requests, Traffic
from orchestrators.live.run_figure import draw, shortened
from orchestrators.live.run_report import FIGURE, render_page, report
from orchestrators.live.series import cpu_series, ranked, task_series


def test_a_task_second_by_second() -> None:
    series = task_series(requests(DIGITS, [(0.1, 0.1, 0), (0.2, 0.5, 1), (0.9, 0.3, 1), (2.5, 0, -1)]), 3, 400.0)
    assert series.demand_rps.tolist() == [3, 0, 1]
    assert series.p50_ms[0] == pytest.approx(300)
    assert series.p99_ms[0] == pytest.approx(np.quantile([100, 500, 300], 0.99))
    assert np.isnan(series.p50_ms[1:]).all()
    assert (series.late.tolist(), series.unanswered.tolist()) == ([1, 0, 0], [0, 0, 1])
    assert series.served[DIGITS[1]] == pytest.approx([2 / 3, 0, 0])


def test_cpu_stands_in_the_second_that_it_was_seen_at_the_end_of() -> None:
    (shares,) = cpu_series(made_run()).values()
    assert shares.tolist() == [0.5] * 7 + [0.9] + [0.5] * 2


def test_versions_that_answered_in_some_run_are_ranked_by_accuracy() -> None:
    fixed = made_run(traffic=Traffic(START_S, {"bees": requests(BEES, [(0.5, 0.1, 0)])}))
    assert ranked([made_run()], "bees") == [BEES[0]]
    assert ranked([made_run(), fixed], "digits") == [DIGITS[1], DIGITS[0]]


def test_a_column_for_each_run_and_a_row_of_panels_for_each_task() -> None:
    figure = draw([made_run(), made_run(name="largest, fixed")])
    assert len(figure.axes) == 2 * (2 * 3 + 1)
    assert [axes.get_title().partition("\n")[0] for axes in figure.axes[:2]] == ["a policy", "largest, fixed"]
    assert "late 45.45 %" in figure.axes[0].get_title()
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == [
        "requests/s", "latency, ms", "", "requests/s", "latency, ms", "", "CPU, %",
    ]  # fmt: skip


def test_the_heading_of_a_run_stands_above_the_name_of_its_first_task() -> None:
    figure = draw([made_run()])
    figure.draw_without_rendering()
    panel = figure.axes[0]
    (name,) = panel.texts
    assert name.get_text() == "bees"
    assert not name.get_window_extent().overlaps(panel.title.get_window_extent())


def test_a_task_that_a_run_does_not_have_leaves_its_panels_empty() -> None:
    alone = made_run(traffic=Traffic(START_S, {"digits": requests(DIGITS, [(0.5, 0.1, 0)])}))
    figure = draw([alone, made_run()])
    assert not figure.axes[0].patches
    assert figure.axes[1].patches


def test_stalls_are_shaded_and_switches_of_the_task_marked() -> None:
    run = made_run(
        switched=[switched(4.2, 4.6), switched(5.2, 5.6, task="bees", before=BEES[0], after=BEES[1], error="no")]
    )
    bees, *_, cpu = draw([run]).axes

    def dotted(axes: Axes) -> dict[float, ColorType]:
        return {
            round(np.asarray(line.get_xdata())[0], 1): line.get_color()
            for line in axes.lines
            if line.get_linestyle() == ":"
        }

    assert dotted(bees) == {5.6: RED}
    assert dotted(cpu) == {4.6: DARK, 5.6: RED}
    shaded = [patch for patch in cpu.patches if isinstance(patch, Rectangle)]
    assert [(patch.get_x(), patch.get_width()) for patch in shaded] == [(7, 1)]


def test_names_lose_what_all_have_in_common_and_the_digest() -> None:
    names = ["digits-resnet8-base-0000000a", "digits-resnet8-taylor-50-0000000b"]
    assert shortened(names) == ["base", "taylor-50"]
    assert shortened(names[:1]) == [names[0]]


def test_the_picture_is_a_png(tmp_path: Path) -> None:
    report(made_run(), tmp_path / "run")
    assert (tmp_path / "run" / FIGURE).read_bytes()[1:4] == b"PNG"


def test_a_run_without_a_request_can_be_drawn() -> None:
    empty = Requests(DIGITS, np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, np.int64), {})
    assert "late unknown" in render_page([made_run(traffic=Traffic(START_S, {"digits": empty}))])


def test_the_page_needs_no_network_and_shows_names_as_they_are() -> None:
    page = render_page([made_run(name="<b>policy</b>"), made_run()])
    assert not re.search(r"(src|href)=[\"'](?!#)", page)
    assert set(re.findall(r"https?://[^\"'\s<]+", page)) <= {
        "http://www.w3.org/1999/xlink",
        "http://www.w3.org/2000/svg",
    }
    assert "<b>" not in page
    for said in ("What was delivered", "during switches", "it lied", DIGITS[0], "Switches"):
        assert said in page


@pytest.mark.browser
def test_the_second_under_the_pointer_is_told(chromium: str, tmp_path: Path) -> None:
    (tmp_path / "runs.html").write_text(render_page([made_run(), made_run(name="largest, fixed")]))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto((tmp_path / "runs.html").as_uri())
        columns = page.evaluate("columns")
        box = page.locator("#figure").bounding_box()
        assert box is not None
        for column, name in zip(columns, ("a policy", "largest, fixed"), strict=True):
            assert len(column["seconds"]) == 10
            x = column["left"] + (column["right"] - column["left"]) * 0.75
            page.mouse.move(box["x"] + box["width"] * x, box["y"] + 100)
            text = page.locator("#tooltip").inner_text()
            assert text.startswith(f"{name}, 7 s\n")
            assert "bees: 1 requests/s, p50 500 ms, p99 500 ms, 1 late" in text
            assert "CPU 90 %" in text
        page.mouse.move(0, 0)
        assert page.locator("#tooltip").is_hidden()
        assert problems == []
        browser.close()
