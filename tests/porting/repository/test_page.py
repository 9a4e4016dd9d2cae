"""The report in a real Chromium, on a desk and on a phone: choices are drawn and selected variants show figures."""

import math
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crowd import candidates
from full_profile import blank_profile, full_profile, item
from made_points import latency, medians, rate, unknown_latency
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from porting.repository import Repository
from porting.repository.publishing.writer import publish
from porting.repository.report.chart_data import places_data
from porting.repository.standing import Candidate, placed
from profiler.records.complexity import Complexity
from profiler.records.profile import Profile
from profiler.records.throughput import MaximalThroughput

pytestmark = [pytest.mark.integration, pytest.mark.browser]
DESK = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=375, height=812)
FULL, FAST, ODD = "digits-full-0000000a", "digits-fast-0000000b", "digits-odd-0000000c"
DROPPED, TWO, HOSTILE = "digits-dropped-0000000d", "two-targets-0000000e", "two-hostile-0000000f"
ACCURACIES = {FAST: 0.85, ODD: 0.8, DROPPED: 0.7}
# Images/s, median latency in ms, MACs: the odd one is slow in one loop and quick in the other.
QUICK = {FAST: (1200.0, 2.0, 500), ODD: (200.0, 0.5, 900), DROPPED: (300.0, 4.0, 700)}
ATTACK = "</script><img src=x onerror=\"document.title='taken'\"><script>document.title = 'taken'</script>"


def quick(images_per_s: float, p50_ms: float, macs: int, **changes: Any) -> Profile:
    point = latency(1, **medians(p50_ms, 0.1))
    work = Complexity(parameters=9, macs=macs, flops=2 * macs, file_bytes=4096)
    best = (rate(MaximalThroughput, 1, 4, images_per_s),)
    return blank_profile(**{"latency": (point,), "max_throughput": best, "complexity": work, **changes})


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Four variants of one task; and of another task one on two targets, and one that brings a text of its own."""
    folder = tmp_path_factory.mktemp("page")
    items = [item(FULL, full_profile(), folder, 0.9)]
    items += [item(name, quick(*figures), folder, ACCURACIES[name]) for name, figures in QUICK.items()]
    edge = quick(400.0, 3.0, 5, target_name="edge")
    local = quick(100.0, 9.0, 5)
    items.append(item(TWO, local, folder, task="two", profiles={"local_cpu": local, "edge": edge}))
    hostile = quick(90.0, 9.0, 5, target_name="edge", latency=(unknown_latency(ATTACK),))
    items.append(item(HOSTILE, hostile, folder, task="two", validation_accuracy=None))
    return publish(folder / "repository", items)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def opened(browser: Browser, repository: Repository, **context: Any) -> Page:
    page = browser.new_context(**context).new_page()
    page.on("pageerror", lambda error: pytest.fail(f"the script failed: {error}"))
    page.goto(f"file://{repository.storage.local}/report.html")
    return page


@pytest.fixture
def page(browser: Browser, repository: Repository) -> Iterator[Page]:
    page = opened(browser, repository, viewport=DESK)
    yield page
    page.context.close()


@pytest.fixture
def phone(browser: Browser, repository: Repository) -> Iterator[Page]:
    page = opened(browser, repository, viewport=PHONE, has_touch=True, is_mobile=True)
    yield page
    page.context.close()


def point(page: Page, name: str) -> Any:
    return page.locator(f'#chart g[data-variant="{name}"]')


def names(page: Page, kind: str) -> set[str]:
    return set(page.locator(f"#chart g.{kind}").evaluate_all("all => all.map(one => one.dataset.variant)"))


def rows(page: Page) -> list[str]:
    found = page.locator("article:not([hidden]) tr[data-variant]")
    return [str(name) for name in found.evaluate_all("all => all.map(one => one.dataset.variant)")]


def shown(page: Page) -> str:
    return page.inner_text("#shown")


@pytest.mark.parametrize("metrics", [("accuracy", "p50_ms"), ("flops", "images_per_s")])
def test_the_script_unpacks_the_places_that_were_packed(page: Page, metrics: tuple[str, str]) -> None:
    generator = np.random.default_rng(len(metrics[0]))
    crowds = [candidates(generator, metrics) for _ in range(200)]
    packed = [([{"name": one.name} for one in crowd], places_data(crowd, metrics)) for crowd in crowds]
    script = page.evaluate("packed => packed.map(([variants, places]) => unpacked(variants, places))", packed)
    assert len(script) == 200
    for crowd, found in zip(crowds, script, strict=True):
        expected = placed(crowd, metrics)
        assert [one["variant"]["name"] for one in found] == [one.name for one in crowd]
        for one in found:
            place = expected[one["variant"]["name"]]
            assert (one["dominatedBy"], one["onFrontier"]) == (place.dominated_by, place.on_frontier)
            assert tuple(one["tiesWith"]) == place.ties_with


def test_every_choice_of_axes_has_the_frontier_that_the_reader_computes(page: Page, repository: Repository) -> None:
    everyone = [one for one in (*repository.index.variants, *repository.index.dropped) if one.task == "digits"]
    crowd = [Candidate(one.name, one.validation_accuracy, one.targets["local_cpu"].figures) for one in everyone]
    metrics = page.locator("[name=x] option").evaluate_all("all => all.map(one => one.value)")
    assert {"accuracy", "images_per_s", "p50_ms", "load_ms"} <= {*metrics}
    for axes in product(metrics, repeat=2):
        found = page.evaluate("([y, x]) => { FORM.y.value = y; FORM.x.value = x; return placed(); }", axes)
        best = {one["variant"]["name"] for one in found if one["onFrontier"]}
        assert best == {name for name, place in placed(crowd, axes).items() if place.on_frontier}, axes


def test_the_frontier_that_is_drawn_first_is_that_of_the_index(page: Page, repository: Repository) -> None:
    everyone = [one for one in (*repository.index.variants, *repository.index.dropped) if one.task == "digits"]
    assert names(page, "frontier") == {one.name for one in everyone if one.targets["local_cpu"].on_frontier}
    assert names(page, "dominated") == {one.name for one in everyone if not one.targets["local_cpu"].on_frontier}


def test_the_places_in_the_table_are_the_same_before_and_after_the_script(page: Page, repository: Repository) -> None:
    text = (repository.storage.local / "report.html").read_text()
    for name in (FULL, FAST, ODD, DROPPED):
        (before,) = re.findall(rf'data-variant="{name}">.*?class="place">(.*?)<', text, re.DOTALL)
        assert page.inner_text(f'tr[data-variant="{name}"] .place') == before


def test_another_metric_on_an_axis_makes_another_frontier(page: Page) -> None:
    assert ODD in names(page, "dominated")
    page.select_option("[name=x]", "p50_ms")
    assert names(page, "frontier") == {FULL, ODD}
    assert "frontier" in (page.get_attribute(f'tr[data-variant="{ODD}"]', "class") or "")
    assert page.inner_text(f'tr[data-variant="{FAST}"] .place') == f"on the frontier: no: dominated by {FULL}"
    assert "median latency at batch 1, ms" in page.inner_text("#chart")


def test_a_variant_without_a_metric_is_not_drawn_and_has_the_reason(page: Page) -> None:
    page.select_option("[name=x]", "load_ms")
    assert page.locator("#chart .mark").count() == 1
    assert f"{FAST} (the level quick does not measure it, profile=full does)" in page.inner_text("#absent")
    assert "no: its median time from the load call to ready has no rank" in page.inner_text(
        f'tr[data-variant="{FAST}"] .place'
    )


def test_without_any_accuracy_other_metrics_are_drawn(browser: Browser, tmp_path: Path) -> None:
    offered = item(FULL, full_profile(), tmp_path, validation_accuracy=None)
    page = opened(browser, publish(tmp_path / "repository", [offered]), viewport=DESK)
    assert names(page, "frontier") == {FULL}
    assert page.input_value("[name=y]") != page.input_value("[name=x]") == "images_per_s"
    page.context.close()


def test_a_selected_variant_stays_selected_when_the_window_changes(page: Page) -> None:
    point(page, FULL).hover()
    page.set_viewport_size(PHONE)
    page.locator(f'#chart svg[viewBox^="0 0 {PHONE["width"] - 32} "]').wait_for()
    assert "780 images/s" in shown(page)
    assert "active" in point(page, FULL).get_attribute("class")


def test_an_axis_is_logarithmic_where_its_values_span_much_and_can_be_switched(page: Page) -> None:
    assert page.is_checked("[name=log-x]")
    assert not page.is_checked("[name=log-y]")
    before = point(page, FULL).bounding_box()
    page.uncheck("[name=log-x]")
    assert point(page, FULL).bounding_box()["x"] != pytest.approx(before["x"], abs=5)


def test_the_points_of_the_frontier_are_drawn_at_their_figures(page: Page) -> None:
    geometry = page.evaluate("""() => placed().map(({variant}) => {
        const mark = document.querySelector(`#chart [data-variant="${variant.name}"]`);
        const [left, top] = mark.getAttribute("transform").match(/-?[\\d.]+/g).map(Number);
        const ends = [...document.querySelectorAll("#chart .whisker")].map(one => one.getAttribute("d"))
            .find(d => d.startsWith(`M${left} `)).match(/-?[\\d.]+/g).map(Number);
        return {x: variant.figures.images_per_s, y: variant.figures.accuracy, left, top, ends};
    })""")
    assert len(geometry) == 4
    to_x = np.poly1d(np.polyfit([math.log(one["x"][0]) for one in geometry], [one["left"] for one in geometry], 1))
    to_y = np.poly1d(np.polyfit([one["y"][0] for one in geometry], [one["top"] for one in geometry], 1))
    for one in geometry:
        assert [to_x(math.log(one["x"][0])), to_y(one["y"][0])] == pytest.approx([one["left"], one["top"]], abs=0.1)
        _, bottom, top, low, _, high = one["ends"]
        assert [low, high] == pytest.approx([to_x(math.log(end)) for end in one["x"][1:]], abs=0.1)
        assert [bottom, top] == pytest.approx([to_y(end) for end in one["y"][1:]], abs=0.1)


def test_a_variant_under_the_pointer_shows_its_figures_its_level_and_its_verdict(page: Page) -> None:
    point(page, FULL).hover()
    assert FULL in shown(page)
    assert "780 images/s" in shown(page)
    assert "[741, 819]" in shown(page)
    assert "fp32, level full; 16 × 4 callers, others 0%: settled." in shown(page)
    point(page, DROPPED).hover()
    assert f"no: dominated by {FULL}" in shown(page)
    assert "it is not in the repository" in shown(page)


def test_the_keyboard_reaches_a_variant_and_opens_it(page: Page) -> None:
    point(page, FAST).focus()
    assert FAST in shown(page)
    page.keyboard.press("Enter")
    assert page.locator(f"#{FAST}-local_cpu").get_attribute("open") is not None


def test_a_click_opens_the_sections_of_a_published_variant(page: Page) -> None:
    point(page, DROPPED).click()
    assert page.locator("details[open]").count() == 0
    point(page, FULL).click()
    assert page.locator(f"#{FULL}-local_cpu").get_attribute("open") is not None


def test_a_tap_shows_figures_and_the_link_opens_the_sections(phone: Page) -> None:
    point(phone, FULL).tap()
    assert "780 images/s" in shown(phone)
    assert phone.locator("details[open]").count() == 0
    phone.locator("#shown a").tap()
    assert phone.locator(f"#{FULL}-local_cpu").get_attribute("open") is not None


def test_task_and_target_choose_what_is_drawn_and_listed(page: Page) -> None:
    assert set(rows(page)) == {FULL, FAST, ODD, DROPPED}
    page.select_option("[name=task]", "two")
    assert rows(page) == [TWO]
    page.select_option("[name=target]", "edge")
    assert set(rows(page)) == {TWO, HOSTILE}
    assert names(page, "frontier") == {TWO}
    page.select_option("[name=task]", "digits")
    assert FULL in rows(page)


def test_a_link_from_another_page_opens_its_sections(browser: Browser, repository: Repository) -> None:
    page = opened(browser, repository, viewport=DESK)
    page.goto("about:blank")
    page.goto(f"file://{repository.storage.local}/report.html#{TWO}-local_cpu")
    assert page.locator(f"#{TWO}-local_cpu").get_attribute("open") is not None
    assert rows(page) == [TWO]
    page.context.close()


def test_a_column_sorts_best_first_then_the_other_way_and_keeps_the_unknown_last(page: Page) -> None:
    head = page.locator("article:not([hidden]) th[data-sort]").filter(has_text="maximal throughput").first
    head.get_by_role("button").click()
    assert rows(page) == [FAST, FULL, DROPPED, ODD]
    assert head.get_attribute("aria-sort") == "descending"
    head.get_by_role("button").press("Enter")
    assert rows(page) == [ODD, DROPPED, FULL, FAST]
    assert head.get_attribute("aria-sort") == "ascending"
    latency_head = page.locator("article:not([hidden]) th[data-sort]").filter(has_text="median latency").first
    latency_head.get_by_role("button").click()
    assert rows(page)[:3] == [ODD, FULL, FAST]
    assert page.locator("article:not([hidden]) th[aria-sort]").count() == 1
    load = page.locator("article:not([hidden]) th[data-sort]").filter(has_text="load call").first
    for _ in range(2):
        load.get_by_role("button").click()
        assert rows(page)[0] == FULL


def test_a_text_of_others_stays_text(page: Page) -> None:
    page.select_option("[name=task]", "two")
    page.select_option("[name=target]", "edge")
    page.select_option("[name=x]", "p50_ms")
    page.select_option("[name=y]", "images_per_s")
    assert ATTACK in page.inner_text("#absent")
    assert page.title() == "Frontier of digits, two"
    assert page.locator("img").count() == 0


MEASURE = """() => {
    const boxes = name => [...document.querySelectorAll(name)].map(one => one.getBoundingClientRect());
    const zoom = svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const scale = one => one.tagName === "text" ? zoom(one.ownerSVGElement) : 1;
    const size = one => parseFloat(getComputedStyle(one).fontSize) * scale(one);
    const texts = [...document.querySelectorAll("body *")].filter(one => one.checkVisibility()
        && !["SCRIPT", "NOSCRIPT"].includes(one.tagName)
        && [...one.childNodes].some(child => child.nodeType === Node.TEXT_NODE && child.data.trim()));
    return {
        page: document.documentElement.scrollWidth,
        drawings: boxes("article:not([hidden]) .plot > div > svg").map(box => box.width),
        marks: boxes("article:not([hidden]) .mark path").length,
        hidden: boxes("article:not([hidden]) .mark path").filter(box => box.width + box.height === 0).length,
        smallest: Number(Math.min(...texts.map(size)).toFixed(3)),
        cut: [...document.querySelectorAll("article:not([hidden]) svg text, #chart text")].filter(one => {
            const box = one.getBoundingClientRect(), frame = one.ownerSVGElement.getBoundingClientRect();
            return box.left < frame.left - 1 || box.right > frame.right + 1;
        }).map(one => one.textContent),
    };
}"""


@pytest.mark.parametrize("width", [375, 768, 1600])
def test_the_page_is_as_wide_as_its_window_and_everything_can_be_read(
    browser: Browser, repository: Repository, width: int
) -> None:
    page = opened(browser, repository, viewport={"width": width, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    page.locator("article:not([hidden]) details .mark").last.wait_for(state="attached")
    found = page.evaluate(MEASURE)
    page.context.close()
    assert found["page"] == width
    assert len(found["drawings"]) == 2 + (2 + 1 + 1 + 1 + 2) + 2
    assert found["marks"] > 100
    assert all(0 < drawn <= width for drawn in found["drawings"])
    assert found["hidden"] == 0
    assert found["smallest"] >= 12
    assert found["cut"] == []
