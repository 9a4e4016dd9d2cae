"""What a person sees: MLflow's page and the report, in a real Chromium."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from chromium import FLAGS
from narrowing import known
from playwright.sync_api import Page, sync_playwright
from support import environment

from porting.repository import Repository
from porting.repository.figures import METRICS
from porting.tracking.tracked_values import tracked_key
from profiler.triton.server import free_port

pytestmark = [pytest.mark.integration, pytest.mark.browser]


@pytest.fixture
def page(chromium: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser.new_page(viewport={"width": 1600, "height": 1000})
        browser.close()


@pytest.fixture(scope="module")
def mlflow_url(published: Path) -> Iterator[str]:
    """MLflow's own server over the tracking database of the run."""
    port = free_port()
    command = [
        sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", f"sqlite:///{published / 'mlflow.db'}",
        "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    server = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while True:
            assert server.poll() is None
            assert time.monotonic() < deadline
            try:
                socket.create_connection(("127.0.0.1", port), timeout=2).close()
                break
            except OSError:
                time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(30)


def test_the_report_shows_the_frontier_and_every_point(page: Page, published: Path) -> None:
    repository = Repository.load(published / "repository")
    page.goto(f"file://{published}/repository/report.html")
    everyone = [*repository.index.variants, *repository.index.dropped]
    assert "Frontier of digits" in page.inner_text("h1")
    for variant in everyone:
        assert page.locator(f'#chart g[data-variant="{variant.name}"]').count() == 1
        assert variant.name in page.inner_text(f"tr[data-variant={variant.name}]")
    frontier = page.locator("tr.frontier").evaluate_all("rows => rows.map(row => row.dataset.variant)")
    assert set(frontier) == {one.name for one in everyone if one.targets["local_cpu"].on_frontier}
    assert page.locator("tr[data-variant]").count() == len(everyone)


def test_the_report_needs_no_network(published: Path) -> None:
    text = (published / "repository" / "report.html").read_text()
    assert "default-src 'none'" in text
    assert 'src="http' not in text
    assert 'href="http' not in text


def test_mlflow_shows_the_pipeline_and_its_variants(page: Page, published: Path, mlflow_url: str) -> None:
    from mlflow import MlflowClient

    experiment = known(MlflowClient(f"sqlite:///{published / 'mlflow.db'}").get_experiment_by_name("digits"))
    page.goto(f"{mlflow_url}/#/experiments/{experiment.experiment_id}/runs")
    page.get_by_text("digits: train, prune, finetune").first.wait_for(timeout=60_000)
    # The pipeline's row folds its variants away behind the only button of its cells.
    page.locator("[role=gridcell] button").last.click()
    variants = Repository.load(published / "repository").variants
    assert variants
    for variant in variants:
        row = page.get_by_text(variant.name).first
        row.wait_for(timeout=60_000)
        assert row.is_visible()


def test_two_variants_compared_in_mlflow_begin_with_their_places_and_the_reasons(
    page: Page, published: Path, mlflow_url: str
) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{published / 'mlflow.db'}")
    experiment = known(client.get_experiment_by_name("digits")).experiment_id
    runs = [run for run in client.search_runs([experiment]) if "mlflow.parentRunId" in run.data.tags][:2]
    assert len(runs) == 2
    names, experiments = (quote(json.dumps(one)) for one in ([run.info.run_id for run in runs], [experiment]))
    page.goto(f"{mlflow_url}/#/compare-runs?runs={names}&experiments={experiments}")
    page.get_by_text("Run details").first.wait_for(timeout=60_000)
    _, _, details = page.inner_text("body").partition("Run details")
    _, _, parameters = details.partition("Show diff only")
    assert parameters.split()[0] == "Frontier/local_cpu"
    for run in runs:
        for key in ("Frontier/local_cpu", "Frontier/local_cpu/why"):
            assert run.data.params[key] in parameters


def test_mlflow_holds_a_child_run_for_each_variant_with_exactly_the_figures_that_the_index_knows(
    published: Path,
) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{published / 'mlflow.db'}")
    experiment = known(client.get_experiment_by_name("digits"))
    runs = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    first = parents[0]
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == first.info.run_id]
    repository = Repository.load(published / "repository")
    everyone = {variant.name for variant in (*repository.index.variants, *repository.index.dropped)}
    assert {run.info.run_name for run in children} == everyone
    assert first.info.status == "FINISHED"
    shown = {"train.epochs", "seed", "precision", "Frontier/local_cpu", "Frontier/local_cpu/why"}
    assert all(shown <= run.data.params.keys() for run in children)
    common = {"accuracy/val", "flops", "parameters", "file_bytes", "local_cpu/images_per_s at batch 1"}
    standings = {one.name: one.targets["local_cpu"] for one in repository.index.variants}
    assert standings
    for run in children:
        assert common <= set(run.data.metrics)
        if run.info.run_name in standings:
            standing = standings[run.info.run_name]
            keys = {name: tracked_key("local_cpu", name, standing.batch) for name in METRICS}
            found = {name: run.data.metrics[key] for name, key in keys.items() if key in run.data.metrics}
            figures = standing.figures
            # An unknown figure has no key, as in the index.
            assert {name: found.get(name) for name in figures if name != "accuracy"} == {
                name: figure[0] for name, figure in figures.items() if name != "accuracy"
            }
            assert not set(standing.unknown) & set(found)
    assert all(run.data.params[key] == value for run in children for key, value in first.data.params.items())
    artifacts = {file.path for file in client.list_artifacts(first.info.run_id)}
    assert {"report.html", "frontier.png"} <= artifacts
