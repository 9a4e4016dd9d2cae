"""The script draws every value of a drawing at its place: in a real Chromium, against the data that the page holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pytest
from drawing import DRAWN
from full_profile import full_profile, item
from made_points import latency, rate
from playwright.sync_api import Page, sync_playwright

from porting.repository.publishing.writer import publish
from profiler.records.throughput import MaximalThroughput

pytestmark = [pytest.mark.integration, pytest.mark.browser]
NAMES = ("digits-full-0000000a", "digits-fast-0000000b")
# Of every drawing its data, and of every panel what is drawn in it.
READ = """() => [...document.querySelectorAll("figure[data-drawing]")].filter(box => box.firstChild).map(box => {
    const numbers = text => (text.match(/-?[\\d.]+(e-?\\d+)?/g) ?? []).map(Number);
    const all = (root, kind, name) => [...root.querySelectorAll(kind)].map(one => numbers(one.getAttribute(name)));
    const panel = svg => ({
        size: numbers(svg.getAttribute("viewBox")).slice(2),
        labelled: svg.getAttribute("role") === "img" && svg.getAttribute("aria-label"),
        rules: all(svg, ".rule", "d"),
        texts: [...svg.querySelectorAll("text:not(.title)")].map(one =>
            ({anchor: one.getAttribute("text-anchor"), x: Number(one.getAttribute("x")),
              y: Number(one.getAttribute("y")), text: one.textContent, note: one.hasAttribute("style")})),
        series: [...svg.querySelectorAll(".series")].map(group => ({
            marks: all(group, ".mark", "transform"), whiskers: all(group, ".whisker", "d"),
            lines: all(group, ".line", "d"), titles: [...group.querySelectorAll("title")].map(one => one.textContent),
        })),
    });
    return {data: JSON.parse(box.dataset.drawing), title: box.closest("section").querySelector("h4").textContent,
            panels: [...box.querySelectorAll("div > svg")].map(panel)};
})"""


@pytest.fixture(scope="module")
def page(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The report of two fully measured variants, with the sections of the first one open."""
    folder = tmp_path_factory.mktemp("drawn")
    fast = full_profile(latency=(latency(1), latency(2)), max_throughput=(rate(MaximalThroughput, 16, 4, 1900.0),))
    items = [item(NAMES[0], full_profile(), folder, 0.9), item(NAMES[1], fast, folder, 0.8)]
    repository = publish(folder / "repository", items)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.on("pageerror", lambda error: pytest.fail(f"the script failed: {error}"))
        page.goto(f"file://{repository.storage.local}/report.html#{NAMES[0]}-local_cpu")
        page.locator("details[open] .mark").first.wait_for(state="attached")
        yield page
        browser.close()


@pytest.fixture(scope="module")
def drawings(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate(READ)
    assert len(found) == 2 + len(DRAWN)
    return found


@dataclass(frozen=True)
class Scale:
    """The straight line from an axis' values, or their logarithms, to places."""

    line: np.poly1d
    log: bool

    @classmethod
    def of(cls, values: list[float], places: list[float], kind: str) -> "Scale":
        """Every value lies on it."""
        turned = np.log(values) if kind != "linear" else np.array(values)
        line = np.poly1d(np.polyfit(turned, places, 1))
        np.testing.assert_allclose(line(turned), places, atol=1e-3)
        return cls(line, kind != "linear")

    def at(self, value: float) -> float:
        return float(self.line(np.log(value) if self.log else value))


@dataclass(frozen=True)
class Panel:
    """The data of a panel, what is drawn of it, and its scales."""

    data: dict[str, Any]
    drawn: dict[str, Any]
    x: Scale
    y: Scale

    @classmethod
    def of(cls, data: dict[str, Any], drawn: dict[str, Any]) -> "Panel":
        """All marks and all corners of lines lie at their values."""
        values, places = list[tuple[float, float]](), list[tuple[float, float]]()
        for series, seen in zip(data["series"], drawn["series"], strict=True):
            for where in (seen["marks"], *(list(batched(line, 2)) for line in seen["lines"])):
                if where:
                    values += zip(series["x"], series["y"], strict=True)
                    places += map(tuple, where)
        assert len(values) == len(places) > 1
        scales = [Scale.of([one[k] for one in values], [one[k] for one in places], data[axis].get("kind", "linear"))
                  for k, axis in enumerate("xy")]  # fmt: skip
        return cls(data, drawn, *scales)

    def series(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        return zip(self.data["series"], self.drawn["series"], strict=True)


@pytest.fixture(scope="module")
def panels(drawings: list[dict[str, Any]]) -> list[Panel]:
    found = [Panel.of(*pair) for one in drawings for pair in zip(one["data"]["panels"], one["panels"], strict=True)]
    assert len(found) == 2 + 2 + 1 + 1 + 1 + 2
    return found


def batched(numbers: list[float], size: int) -> Iterator[tuple[float, ...]]:
    return zip(*[iter(numbers)] * size, strict=True)


def test_every_mark_lies_inside_of_its_panel_and_says_its_figures(panels: list[Panel]) -> None:
    assert panels
    for panel in panels:
        width, height = panel.drawn["size"]
        assert panel.x.line.coeffs[0] > 0 > panel.y.line.coeffs[0]
        for series, seen in panel.series():
            assert seen["marks"] or seen["lines"]
            assert all(0 < left < width and 0 < top < height for left, top in seen["marks"])
            assert seen["titles"] == series.get("title", [])


def test_every_interval_reaches_from_end_to_end(panels: list[Panel]) -> None:
    checked = 0
    for panel in panels:
        for series, seen in panel.series():
            expected = whiskers(panel, series)
            np.testing.assert_allclose([*chain(*seen["whiskers"])], [*chain(*expected)], atol=2e-3)
            checked += len(expected)
    assert checked > 45


def whiskers(panel: Panel, series: dict[str, Any]) -> list[list[float]]:
    """The numbers of each path: a move and the end of a line, upright and across."""
    found = []
    for k, (x, y) in enumerate(zip(series["x"], series["y"], strict=True)):
        low, high, left, right = (series.get(name, {k: None})[k] for name in ("low", "high", "left", "right"))
        path = [] if low is None else [panel.x.at(x), panel.y.at(low), panel.y.at(high)]
        path += [] if left is None else [panel.x.at(left), panel.y.at(y), panel.x.at(right)]
        found += [path] if path else []
    return found


def test_a_rule_crosses_its_panel_at_its_value(panels: list[Panel]) -> None:
    found = [(panel, *pair) for panel in panels
             for pair in zip(panel.data.get("rules", []), panel.drawn["rules"], strict=True)]  # fmt: skip
    assert {rule["axis"] for _, rule, _ in found} == {"x", "y"}
    for panel, rule, path in found:
        place, scale = (path[0], panel.x) if rule["axis"] == "x" else (path[1], panel.y)
        assert place == pytest.approx(scale.at(rule["at"]), abs=1e-3)


def test_the_numbers_beside_an_axis_stand_at_their_values(panels: list[Panel]) -> None:
    assert panels
    for panel in panels:
        ticks = [one for one in panel.drawn["texts"] if not one["note"]]
        beside, below = ([one for one in ticks if one["anchor"] == anchor] for anchor in ("end", "middle"))
        assert len(beside) >= 2
        assert len(below) >= 2 or panel.data["y"]["label"] == "ms"
        for tick in beside:
            assert tick["y"] - 4 == pytest.approx(panel.y.at(value(tick["text"])), abs=0.1)
        for tick in below:
            assert tick["x"] == pytest.approx(panel.x.at(value(tick["text"])), abs=0.1)


def value(text: str) -> float:
    return float(text.rstrip("%").replace(",", "")) / (100 if text.endswith("%") else 1)


def test_words_in_a_panel_stand_at_their_place(panels: list[Panel]) -> None:
    found = [(panel, *pair) for panel in panels
             for pair in zip(panel.data.get("notes", []), [one for one in panel.drawn["texts"] if one["note"]],
                             strict=True)]  # fmt: skip
    assert [note["text"].strip() for _, note, _ in found] == ["unsettled", "settled", "queue explodes"]
    for panel, note, text in found:
        assert text["text"] == note["text"]
        assert text["x"] == pytest.approx(panel.x.at(note["x"]), abs=1e-3)


def test_panels_below_each_other_share_their_x_axis(panels: list[Panel]) -> None:
    above, below = (next(one for one in panels if one.data["y"]["label"] == label) for label in ("ms", "residual"))
    np.testing.assert_allclose(above.x.line.coeffs, below.x.line.coeffs, rtol=1e-6)


def test_a_drawing_is_described_by_the_title_of_its_section(drawings: list[dict[str, Any]]) -> None:
    found = [(panel["labelled"], one["title"]) for one in drawings for panel in one["panels"]]
    assert found
    assert [label for label, title in found if label != title] == []


def test_a_fold_is_drawn_when_it_is_opened(page: Page) -> None:
    fold = page.locator(f"#{NAMES[1]}-local_cpu")
    assert fold.locator("svg").count() == 0
    fold.locator("summary").click()
    fold.locator(".mark").first.wait_for(state="attached")
    assert fold.locator(".plot > div > svg").count() == 2 + 1 + 1 + 1 + 2 - 1


SCALE = """([values, kind]) => {
    const found = scale(values, 0, 300, {kind});
    return {ticks: found.ticks, places: values.map(found.at)};
}"""


@pytest.mark.parametrize(("low", "high"), [(0.98, 0.99), (0, 1), (-3, 4), (12, 1.2e6), (1e-4, 2e-4), (5, 5)])
@pytest.mark.parametrize("kind", ["linear", "decades"])
def test_an_axis_writes_a_few_numbers_within_its_ends(page: Page, low: float, high: float, kind: str) -> None:
    values = [value for value in (low, high) if kind == "linear" or value > 0]
    found = page.evaluate(SCALE, [values, kind])
    assert 2 <= len(found["ticks"]) <= 8
    assert all(-0.01 <= tick["place"] <= 300.01 for tick in found["ticks"])
    assert all(0 < place < 300 for place in found["places"])


def test_an_axis_of_doublings_writes_each_of_them(page: Page) -> None:
    found = page.evaluate(SCALE, [[1, 2, 32], "doublings"])
    assert [tick["text"] for tick in found["ticks"]] == ["1", "2", "4", "8", "16", "32"]


def test_an_interval_that_reaches_zero_ends_at_the_edge_of_a_logarithmic_axis(page: Page) -> None:
    assert page.evaluate(SCALE, [[0.0, 1.0, 10.0], "decades"])["places"][0] == 0
