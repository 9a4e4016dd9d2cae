"""The plain install: the wheel carries its configuration, and a target box needs no torch."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support import ROOT, SMALL, environment

WITHOUT_TORCH = """
import sys

ABSENT = {"torch", "torchvision", "lightning", "torchmetrics", "nni", "torch_pruning", "sklearn", "mlflow"}


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Absent())
from dnn_porting import main

main()
"""


ROOMS = ("backbones", "datamodules", "profiler", "porting", "orchestrators")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("dnn_porting-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "content")
    return folder / "content"


def run(unpacked: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    plain = {**environment(), "PYTHONPATH": str(unpacked)}
    command = [sys.executable, "-c", WITHOUT_TORCH, *arguments]
    return subprocess.run(command, cwd=unpacked, env=plain, capture_output=True, text=True)


def test_the_configuration_travels_inside_the_package(unpacked: Path) -> None:
    assert (unpacked / "porting" / "conf" / "config.yaml").exists()
    assert not (unpacked / "conf").exists()
    assert (unpacked / "porting" / "repository" / "report" / "report.html.jinja").exists()
    assert (unpacked / "profiler" / "triton" / "backend" / "onnxruntime" / "model.py").exists()
    assert [path.parent.name for path in sorted(unpacked.glob("*/py.typed"))] == sorted(ROOMS)
    found = run(unpacked, "--help")
    assert found.returncode == 0, found.stderr
    assert "resnet8" in found.stdout


def test_the_wheel_carries_its_licence_and_its_notices(unpacked: Path) -> None:
    (folder,) = unpacked.glob("dnn_porting-*.dist-info")
    assert (folder / "licenses" / "LICENSE").is_file()
    assert (folder / "licenses" / "NOTICE").is_file()
    assert "License-Expression: Apache-2.0" in (folder / "METADATA").read_text()


@pytest.mark.integration
def test_a_box_without_torch_profiles_and_publishes(unpacked: Path, published: Path, tmp_path: Path) -> None:
    shutil.copytree(published / "tasks", tmp_path / "tasks")
    for profiles in tmp_path.glob("tasks/*/variants/*/profiles"):
        shutil.rmtree(profiles)
    settings = [*SMALL, f"workspace={tmp_path}", "tracking.enabled=false", "targets.local_cpu.runtime=onnxruntime"]
    found = run(unpacked, "stage=[profile,publish]", *settings)
    assert found.returncode == 0, found.stderr
    assert json.loads((tmp_path / "repository" / "repository.json").read_text())["variants"]


@pytest.mark.parametrize("arguments", [["stage=train", "tracking.enabled=false"], ["stage=publish"]])
def test_what_the_plain_install_cannot_do_says_what_to_install(
    unpacked: Path, tmp_path: Path, arguments: list[str]
) -> None:
    found = run(unpacked, *arguments, f"workspace={tmp_path}")
    assert found.returncode == 2
    assert "pip install 'dnn-porting[porting]'" in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1
