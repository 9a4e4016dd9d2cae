"""Every reader of a repository gives the same figure under the same name."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from convertible import ACCURATE, MIB, TARGET, accurate, conversion, convertible_repository
from made_points import partly
from unfinished import unfinished

from porting.command_line.summary import cells
from porting.repository import Repository
from porting.repository.compare import compare
from porting.repository.figures import every_metric, figures
from porting.repository.formats import infaas as infaas_format
from porting.repository.formats import infadapter, kserve, modelmesh
from porting.repository.operating_points import operating_points
from porting.repository.report.chart_data import chart_data
from porting.repository.variant_on_target import VariantOnTarget
from porting.tracking.tracked_values import tracked_figures, tracked_key
from porting.workspace.records import Variant
from profiler.common.errors import BadInputError
from profiler.records.warm_up import LoadTime

# The mean is another number than the median, and the largest peak is not that of the largest batch.
LOADS = (
    partly(LoadTime, page_cache="warm", n=9, mean_ms=80.0, p50_ms=50.0, p50_low_ms=49.0, p50_high_ms=51.0, max_ms=85.0),
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    profile = accurate()
    other = [one for one in profile.load_time if one.page_cache != "warm"]
    changed = accurate(load_time=(*LOADS, *other))
    return convertible_repository(tmp_path_factory.mktemp("one"), changed)


@pytest.fixture(scope="module")
def one(repository: Repository) -> VariantOnTarget:
    return repository.on(ACCURATE, TARGET)


@pytest.fixture(scope="module")
def known(one: VariantOnTarget) -> dict[str, float]:
    """Every figure of the variant by its name."""
    found = {name: one.value(name) for name in every_metric(one.standing.figures)}
    assert found["load_ms"] == 50.0
    return {name: value for name, value in found.items() if value is not None}


def test_the_index_file_has_them(repository: Repository, known: dict[str, float]) -> None:
    index = json.loads(Path(repository.storage.local, "repository.json").read_text())
    (entry,) = (variant for variant in index["variants"] if variant["name"] == ACCURATE)
    assert {name: figure[0] for name, figure in entry["targets"][TARGET]["figures"].items()} == known


def test_the_report_has_them(repository: Repository, known: dict[str, float]) -> None:
    (ranking,) = chart_data(repository.index)["rankings"]
    (shown,) = (variant for variant in ranking["variants"] if variant["name"] == ACCURATE)
    assert {name: figure[0] for name, figure in shown["figures"].items()} == known


def test_mlflow_has_them(one: VariantOnTarget, known: dict[str, float]) -> None:
    found = tracked_figures(unfinished(Variant, onnx=None), {TARGET: one.profile})
    names = {name: tracked_key(TARGET, name, one.standing.batch) for name in known if name != "accuracy"}
    assert {key: found[key] for key in names.values()} == {key: known[name] for name, key in names.items()}
    more = {f"{TARGET}/images_per_s at batch {point.batch}" for point in one.profile.own(one.profile.max_throughput)}
    assert found.keys() - {*names.values()} == more - {*names.values()}


def test_a_choice_at_the_batch_of_a_figure_has_it(repository: Repository, known: dict[str, float]) -> None:
    found = {one.batch: one for one in operating_points(repository, "digits", TARGET) if one.variant.name == ACCURATE}
    for name in known.keys() - {"images_per_s", "relative_throughput", "peak_bytes"}:
        assert found[1].figures[name][0] == pytest.approx(known[name], rel=1e-5)
    rates = [one.figures["images_per_s"][0] for one in found.values() if "images_per_s" in one.figures]
    assert max(rates) == pytest.approx(known["images_per_s"])


def test_a_comparison_shows_what_moved_from_it(repository: Repository, tmp_path: Path, known: dict[str, float]) -> None:
    slower = partly(LoadTime, page_cache="warm", n=9, mean_ms=80.0, p50_ms=90.0, p50_low_ms=89.0, p50_high_ms=91.0)
    (change,) = compare(repository, convertible_repository(tmp_path, accurate(load_time=(slower,))))
    assert (change.what, change.before) == ("load_ms", f"{known['load_ms']:.5g} [49, 51]")


def test_other_formats_have_them(repository: Repository, known: dict[str, float]) -> None:
    asked = conversion(repository, variant=ACCURATE)
    service = yaml.safe_load(kserve.files(asked).texts[f"{ACCURATE}.yaml"])
    notes: dict[str, Any] = {key.partition("/")[2]: text for key, text in service["metadata"]["annotations"].items()}
    names = {"load-ms": "load_ms", "peak-memory-bytes": "peak_bytes", "max-images-per-s": "images_per_s",
             "latency-batch-1-p50-ms": "p50_ms", "validation-accuracy-share": "accuracy"}  # fmt: skip
    assert {name: float(notes[key]) for key, name in names.items()} == {name: known[name] for name in names.values()}
    items = dict(line.split() for line in infaas_format.files(asked).texts[f"{ACCURATE}.config"].splitlines()
                 if line[0] != "#")  # fmt: skip
    assert float(items["loadlat"]) == known["load_ms"]
    environment = infadapter.files(asked).texts["digits/infadapter.env"]
    assert f'LOAD_TIMES={{"1": {known["load_ms"] / 1e3}}}' in environment
    assert f'MEMORY_SIZES={{"1": "{round(known["peak_bytes"]) // MIB}Mi"}}' in environment
    assert modelmesh.files(asked).texts


def test_the_table_at_the_end_of_a_run_has_them_before_and_after_publication(one: VariantOnTarget) -> None:
    before, _ = figures(one.accuracy(), one.profile)
    assert cells(before, "settled") == cells(one.standing.figures, "settled")


def loads(count: int) -> LoadTime:
    """Fewer loads than bound a median."""
    return partly(LoadTime, page_cache="warm", n=count, mean_ms=80.0, min_ms=70.0, max_ms=90.0)


@pytest.mark.parametrize("count", [1, 2])
def test_the_median_of_one_load_or_two_is_their_mean_without_an_interval(count: int, tmp_path: Path) -> None:
    found = convertible_repository(tmp_path, accurate(load_time=(loads(count),))).on(ACCURATE, TARGET)
    assert found.figure("load_ms") == (80.0, None, None)
    assert found.load_s() == 0.08


def test_the_median_of_a_few_loads_is_unknown_for_the_reason_that_the_index_has(tmp_path: Path) -> None:
    found = convertible_repository(tmp_path, accurate(load_time=(loads(3),))).on(ACCURATE, TARGET)
    assert found.figure("load_ms") is None
    with pytest.raises(BadInputError, match=f"no load time: {found.why_unknown('load_ms')}; a run with profile=full"):
        found.load_s()
