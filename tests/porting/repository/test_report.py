"""The report: one page without a network, in which every published variant can be opened."""

import re
from pathlib import Path

import pytest
from full_profile import blank_profile, full_profile, item
from made_points import rate

from porting.repository import Repository
from porting.repository.writer import publish
from profiler.records.complexity import Complexity
from profiler.records.throughput import MaximalThroughput

FULL, QUICK, DROPPED = "digits-full-0000000a", "digits-quick-0000000b", "digits-dropped-0000000c"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Four variants: one measured fully, two quickly, and a quick one that is dominated."""
    folder = tmp_path_factory.mktemp("report")
    speeds = {QUICK: (0.85, 900.0), "digits-quick-0000000d": (0.8, 1200.0), DROPPED: (0.7, 300.0)}
    items = [item(FULL, full_profile(), folder, 0.9)]
    for name, (accuracy, images_per_s) in speeds.items():
        work = Complexity(
            parameters=9, macs=int(1e6 / images_per_s), flops=2 * int(1e6 / images_per_s), file_bytes=4096
        )
        best = (rate(MaximalThroughput, 1, 4, images_per_s),)
        items.append(item(name, blank_profile(max_throughput=best, complexity=work), folder, accuracy))
    return publish(folder / "repository", items)


@pytest.fixture(scope="module")
def text(repository: Repository) -> str:
    return (repository.root / "report.html").read_text()


def sheet(text: str, variant: str) -> str:
    """What stands in a variant's fold."""
    (found,) = re.findall(rf'<details id="{variant}-local_cpu">.*?</details>', text, re.DOTALL)
    return found


def test_every_published_variant_has_a_fold_and_a_dropped_one_has_none(text: str, repository: Repository) -> None:
    folds = re.findall(r'<details id="([^"]+)-local_cpu">', text)
    assert folds == [variant.name for variant in repository.variants]
    assert DROPPED not in folds


def test_a_full_profile_is_drawn_and_a_quick_one_says_what_it_leaves_out(text: str) -> None:
    assert sheet(text, FULL).count("<svg") == 5
    assert sheet(text, QUICK).count("<svg") == 1
    assert "the level quick does not measure it" in sheet(text, QUICK)
    assert "the level full does not measure it" not in sheet(text, FULL)


def test_missing_points_stand_in_the_fold_with_verdict_and_reason(text: str) -> None:
    assert re.search(r"LargestBatch</td>.*out of budget</td>.*3\.0 s were left</td>", sheet(text, FULL), re.DOTALL)


def test_the_page_tells_what_ranks_the_variants_whatever_it_says(text: str) -> None:
    table = text[text.index("What ranks these variants") :]
    flops, latency, inverse = (re.search(rf"<td>{name}</td><td[^>]*>([^<]+)</td>", table)[1] for name in (
        "FLOPs", "latency", "inverse latency"))  # fmt: skip
    assert re.fullmatch(r"-?[\d.]+ \[-?[\d.]+, -?[\d.]+\]", flops)
    assert latency == inverse == "unknown (needs 4 variants, 1 are known)"


def test_the_page_has_the_factors_over_all_variants(text: str) -> None:
    cells = "<td>1.79</td><td>1.79</td><td>1.79</td><td>1</td>"
    assert re.search(rf"<td[^>]*>throughput on 2 cores against 1</td>{cells}", text)


def test_the_page_is_self_contained_and_its_ids_are_unique(text: str) -> None:
    assert "<script" not in text
    assert not re.findall(r'(?:src|href)="(?!#)', text)
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_what_is_written_by_others_is_escaped(tmp_path: Path) -> None:
    reason = "it answered <b>garbage</b> & died"
    best = rate(MaximalThroughput, 1, 4, 900.0, verdict="unsettled", verdict_reason=reason)
    found = publish(tmp_path / "repository", [item(QUICK, blank_profile(max_throughput=(best,)), tmp_path)])
    shown = (found.root / "report.html").read_text()
    assert "<b>" not in shown
    assert "it answered &lt;b&gt;garbage&lt;/b&gt; &amp; died" in shown


MEASURE = """() => {
    document.querySelectorAll('details').forEach(fold => fold.open = true);
    const boxes = name => [...document.querySelectorAll(name)].map(element => element.getBoundingClientRect());
    return {
        page: document.documentElement.scrollWidth,
        drawings: boxes('svg').map(box => box.width),
        hidden: boxes('use').filter(box => box.width + box.height == 0).length,
    };
}"""


@pytest.mark.integration
@pytest.mark.browser
@pytest.mark.parametrize("window", [390, 1600])
def test_the_page_is_as_wide_as_its_window_and_shows_every_mark(
    chromium: str, repository: Repository, window: int
) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": window, "height": 800})
        page.goto(f"file://{repository.root}/report.html")
        found = page.evaluate(MEASURE)
        browser.close()
    assert found["page"] == window
    assert all(0 < drawn <= window for drawn in found["drawings"])
    assert len(found["drawings"]) == 1 + 5 + 2
    assert found["hidden"] == 0
