"""A network whose file leaves the size of the picture open, from the export to the reading of its metadata."""

from pathlib import Path

import pytest
from support import TINY, Command

from porting.repository import Repository
from porting.repository.variant_on_target import VariantOnTarget

SIDES, BATCHES = (32, 40, 48), (1, 2, 4)
OPEN = "export.open_axes=[height,width]"


@pytest.fixture(scope="module")
def repository(dnn_porting: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("open")
    run = dnn_porting(
        *TINY, OPEN, "profile.latency.input_sizes=[32,40,48]", "profile.latency.batches=[1,2,4]",
        "profile.sizes={batches: [1, 2, 4], seconds: 0.05}", "tracking.enabled=false", f"workspace={workspace}",
    )  # fmt: skip
    assert run.code == 0, run.err
    return workspace / "repository"


@pytest.fixture(scope="module")
def variant(repository: Path) -> VariantOnTarget:
    found = Repository.load(repository)
    (published,) = found.variants
    return found.on(published.name, "local_cpu")


@pytest.mark.integration
def test_the_published_tensors_and_the_configuration_leave_the_axes_open(
    repository: Path, variant: VariantOnTarget
) -> None:
    assert variant.details.input.shape == [1, -1, -1]
    config = (repository / variant.name / "config.pbtxt").read_text()
    assert config.count("dims: -1") == 2


@pytest.mark.integration
def test_latency_throughput_and_memory_are_published_over_sizes_and_batches(variant: VariantOnTarget) -> None:
    places = [((1, side, side), batch) for side in SIDES for batch in BATCHES]
    profile = variant.profile
    latencies = [point for point in profile.latency if point.runtime == "onnxruntime"]
    assert [(point.input_shape, point.batch) for point in latencies] == places
    assert [(point.input_shape, point.batch) for point in profile.sizes] == places
    assert all(point.runtime == "triton" and point.peak_bytes for point in profile.sizes)
    forms = {fit.form for fit in profile.fits} | {one.form for one in profile.refused_fits}
    assert {"linear in batch and pixels", "memory in batch and pixels"} <= forms
    (fit,) = (one for one in profile.fits if one.form == "linear in batch and pixels")
    assert fit.domain["pixels"].values == tuple(side**2 for side in SIDES)


@pytest.mark.integration
def test_a_figure_between_two_sizes_is_looked_up(variant: VariantOnTarget) -> None:
    found = variant.at("compute_p50_ms", batch=2, pixels=36 * 36)
    assert found.kind == "predicted"
    ends = [variant.at("compute_p50_ms", batch=2, pixels=side**2).value for side in SIDES[:2]]
    assert min(ends) <= found.value <= max(ends)


def test_open_axes_without_sizes_to_measure_are_refused_before_any_work(dnn_porting: Command, tmp_path: Path) -> None:
    run = dnn_porting(OPEN, f"workspace={tmp_path / 'unused'}")
    assert run.code == 2
    assert "profile.latency.input_sizes=[SIZE,...]" in run.err
    assert len(run.err.strip().splitlines()) == 1
    assert not (tmp_path / "unused").exists()
