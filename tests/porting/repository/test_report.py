"""The report: one page without a network, in which every published variant can be opened."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crowd import candidates
from full_profile import SHA256, blank_profile, full_profile, item
from made_points import rate, unknown_latency
from matplotlib.collections import PathCollection
from narrowing import known

from porting.repository import Repository
from porting.repository.figures import METRICS, every_metric, why_unknown
from porting.repository.publishing.writer import publish
from porting.repository.report.chart_data import places_data
from porting.repository.report.figure import as_svg, draw
from porting.repository.schema import Preprocessing, Step
from porting.repository.standing import placed
from profiler.records.complexity import Complexity
from profiler.records.throughput import MaximalThroughput

FULL, QUICK, DROPPED = "digits-full-0000000a", "digits-quick-0000000b", "digits-dropped-0000000c"
STEP = Step(stage="prune", label="taylor-50", key="b" * 64, settings={"ratio": 0.5, "by": {"criterion": "taylor"}},
            versions={"torch-pruning": "1.6.1"}, seconds=31.2)  # fmt: skip
PREPROCESSING = Preprocessing(size=32, colour="L", mean=[0.1], sd=[0.3], resize="bilinear", crop="center",
                              scale=0.0625, layout="NCHW", dtype="float32")  # fmt: skip


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Four variants: one measured fully, two quickly, and a quick one that is dominated."""
    folder = tmp_path_factory.mktemp("report")
    speeds = {QUICK: (0.85, 900.0), "digits-quick-0000000d": (0.8, 1200.0), DROPPED: (0.7, 300.0)}
    items = [item(FULL, full_profile(), folder, 0.9, lineage=[STEP], preprocessing=PREPROCESSING)]
    for name, (accuracy, images_per_s) in speeds.items():
        work = Complexity(
            parameters=9, macs=int(1e6 / images_per_s), flops=2 * int(1e6 / images_per_s), file_bytes=4096
        )
        best = (rate(MaximalThroughput, 1, 4, images_per_s),)
        items.append(item(name, blank_profile(max_throughput=best, complexity=work), folder, accuracy))
    return publish(folder / "repository", items)


@pytest.fixture(scope="module")
def text(repository: Repository) -> str:
    return (repository.storage.local / "report.html").read_text()


def sections(text: str, variant: str) -> str:
    """The sections of a variant."""
    (found,) = re.findall(rf'<details id="{variant}-local_cpu">.*?</details>', text, re.DOTALL)
    return str(found)


def row(text: str, variant: str) -> str:
    (found,) = re.findall(rf'<tr class="[^"]*" data-variant="{variant}">.*?</tr>', text, re.DOTALL)
    return str(found)


def chart(text: str) -> dict[str, Any]:
    """The data of the page's script."""
    (found,) = re.findall(r'<script type="application/json" id="index">(.*?)</script>', text, re.DOTALL)
    data: dict[str, Any] = json.loads(found)
    return data


def test_every_published_variant_has_sections_and_a_dropped_one_has_none(text: str, repository: Repository) -> None:
    found = re.findall(r'<details id="([^"]+)-local_cpu">', text)
    assert found == [variant.name for variant in repository.variants]
    assert DROPPED not in found


def test_a_full_profile_is_drawn_and_a_quick_one_says_what_it_leaves_out(text: str) -> None:
    assert sections(text, FULL).count("data-drawing=") == 5
    assert sections(text, QUICK).count("data-drawing=") == 1
    assert "the level quick does not measure it" in sections(text, QUICK)
    assert "the level full does not measure it" not in sections(text, FULL)


def test_missing_points_are_listed_with_verdict_and_reason(text: str) -> None:
    assert re.search(r"LargestBatch</td>.*out of budget</td>.*3\.0 s were left</td>", sections(text, FULL), re.DOTALL)


def test_the_sections_have_every_figure_with_its_interval_or_the_reason_why_it_is_unknown(text: str) -> None:
    assert all(
        f"<td>{one.meaning}</td>" in sections(text, FULL).replace(' class="words"', "") for one in METRICS.values()
    )
    assert ">1,400 [1,330, 1,470] images/s<" not in sections(text, FULL)
    assert ">780 [741, 819] images/s<" in sections(text, FULL)
    assert ">7.8 [7.644, 7.956]<" in sections(text, FULL)
    assert ">470 [446.5, 493.5] images/s<" in sections(text, FULL)
    assert ">unknown: the level quick does not measure it, profile=full does<" in sections(text, QUICK)


def test_the_sections_have_the_provenance_of_the_variant(text: str, repository: Repository) -> None:
    shown, variant = sections(text, FULL), repository.variant(FULL)
    for word in (
        "prune", "taylor-50", "ratio 0.5; by (criterion taylor)", "torch-pruning 1.6.1", "31.2", STEP.key,
        "none: its lineage begins here", variant.onnx_sha256, variant.details_sha256, SHA256,
        "2024-01-01 00:00 UTC in 212 s, level full", "digits, split val", "top1 90.00% [89.00%, 91.00%], n 1000",
        "input: float32 [batch, 1, 32, 32]", "logits: float32 [batch, 10]", "bilinear", "0.0625",
        "a processor", "4,096 MiB", "2.51.0", "1.31.1",
    ):  # fmt: skip
        assert f">{word}</td>" in shown, word


def test_the_table_has_published_and_dropped_variants_with_their_places(text: str, repository: Repository) -> None:
    names = re.findall(r'data-variant="([^"]+)"', text)
    assert set(names) == {one.name for one in (*repository.index.variants, *repository.index.dropped)}
    assert "(dropped)" in row(text, DROPPED)
    assert f"on the frontier: no: dominated by {FULL}" in row(text, DROPPED)
    assert f'<a href="#{FULL}-local_cpu">' in row(text, FULL)


def test_the_table_has_reasons_for_figures_that_one_or_all_variants_lack(text: str) -> None:
    unknown = 'class="unknown" title="the level quick does not measure it, profile=full does">unknown'
    assert unknown in row(text, QUICK)
    assert unknown not in row(text, FULL)
    assert '<td data-value="780.0">780<small>[741, 819]</small></td>' in row(text, FULL)
    assert "energy an inference at the maximal throughput: not taken" in text


def test_the_script_draws_from_the_figures_of_the_index(text: str, repository: Repository) -> None:
    (ranking,) = chart(text)["rankings"]
    everyone = {one.name: one for one in (*repository.index.variants, *repository.index.dropped)}
    assert {one["name"] for one in ranking["variants"]} == set(everyone)
    for one in ranking["variants"]:
        standing = everyone[one["name"]].targets["local_cpu"]
        assert {name: tuple(figure) for name, figure in one["figures"].items()} == standing.figures
        assert one["unknown"] == {name: why_unknown(standing, name) for name in METRICS if name not in standing.figures}
    assert set(chart(text)["colours"]) == {one["precision"] for one in ranking["variants"]}
    metrics = list(chart(text)["metrics"])
    assert metrics == [name for name in every_metric(metrics) if name in metrics]
    assert "capacity_requests_per_s_at_8.5_ms" in metrics


def test_the_page_has_rank_correlations_or_reasons(text: str) -> None:
    table = text[text.index("Rank correlations") :]
    flops, latency, inverse = (known(re.search(rf"<td>{name}</td><td[^>]*>([^<]+)</td>", table))[1] for name in (
        "FLOPs", "latency", "inverse latency"))  # fmt: skip
    assert re.fullmatch(r"-?[\d.]+ \[-?[\d.]+, -?[\d.]+\]", flops)
    assert latency == inverse == "unknown (needs 4 variants, 1 are known)"


def test_the_page_has_the_factors_over_all_variants(text: str) -> None:
    cells = "<td>1.79</td><td>1.79</td><td>1.79</td><td>1</td>"
    assert re.search(rf"<td[^>]*>throughput on 2 cores against 1</td>{cells}", text)


def test_the_page_is_self_contained_and_its_ids_are_unique(text: str) -> None:
    assert not re.findall(r'(?:src|href)="(?!#)', text)
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_only_the_pages_own_script_may_run(text: str) -> None:
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', text)
    expected = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{expected}'"


def test_the_picture_has_every_variant_where_its_figures_are(repository: Repository) -> None:
    (axes,) = draw(repository.index).axes
    everyone = [one.targets["local_cpu"].figures for one in (*repository.index.variants, *repository.index.dropped)]
    (points,) = (np.asarray(one.get_offsets()).tolist() for one in axes.collections if isinstance(one, PathCollection))
    assert sorted(points) == sorted([one["images_per_s"][0], one["accuracy"][0]] for one in everyone)
    assert len(np.asarray(axes.lines[-1].get_xdata())) == len(repository.variants)


def test_without_a_script_the_picture_is_in_the_page(text: str, repository: Repository) -> None:
    (shown,) = re.findall(r"<noscript>.*?(<svg.*?</svg>)\s*</noscript>", text, re.DOTALL)
    assert "validation accuracy (95 % interval)</text>" in shown
    assert "digits on local_cpu</text>" in shown
    assert len(shown) == pytest.approx(len(as_svg(draw(repository.index))), rel=0.01)


@pytest.mark.parametrize("metrics", [("accuracy", "p50_ms"), ("flops", "images_per_s"), ("p99_ms", "p99_ms")])
def test_packed_places_say_who_dominates_whom_who_ties_and_who_is_joined(metrics: tuple[str, str]) -> None:
    generator = np.random.default_rng(len(metrics[0]))
    for _ in range(100):
        crowd = candidates(generator, metrics)
        packed, expected = places_data(crowd, metrics), placed(crowd, metrics)
        everyone, best = [one.name for one in crowd], [one.name for one in crowd if expected[one.name].on_frontier]
        assert packed["dominated_by"] == [
            -1 if place.on_frontier else -2 if not place.ranked else everyone.index(known(place.dominated_by))
            for place in (expected[name] for name in everyone)
        ]
        ties = [tuple(name for bit, name in enumerate(best) if int(row, 16) >> bit & 1) for row in packed["ties"]]
        assert ties == [expected[name].ties_with for name in best]
        joined = [everyone[place] for place in packed["joined"]]
        assert set(joined) <= set(best)
        assert bool(joined) == any({*metrics} <= one.figures.keys() for one in crowd if one.name in best)


def test_the_page_has_the_places_for_each_two_metrics_that_are_known(text: str) -> None:
    (ranking,), metrics = chart(text)["rankings"], list(chart(text)["metrics"])
    assert len(metrics) > 8
    assert list(ranking["places"]) == [f"{a} {b}" for a, b in combinations_with_replacement(metrics, 2)]


def test_what_is_written_by_others_is_escaped(tmp_path: Path) -> None:
    reason = "</script><script>document.title = 'taken'</script><b>garbage</b> & died"
    best = rate(MaximalThroughput, 1, 4, 900.0, verdict="unsettled", verdict_reason=reason)
    point = unknown_latency(reason)
    point = point.model_copy(update={"reasons": point.reasons | {"p99_ms": reason}})
    profile = blank_profile(max_throughput=(best,), latency=(point,))
    found = publish(tmp_path / "repository", [replace(item(QUICK, profile, tmp_path), technique=[reason])])
    shown = (found.storage.local / "report.html").read_text()
    assert "<b>" not in shown
    assert shown.count("<script") == shown.count("</script>") == 2
    assert "&lt;b&gt;garbage&lt;/b&gt; &amp; died" in shown
    assert chart(shown)["rankings"][0]["variants"][0]["unknown"]["p50_ms"] == reason
    (drawn, _) = (json.loads(one) for one in re.findall(r"data-drawing='([^']*)'></figure>", shown))
    assert f"p99 unknown ({reason})" in drawn["panels"][0]["series"][-1]["title"][0]
