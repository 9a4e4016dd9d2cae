"""Whatever the user gets wrong ends in one line: the bad value, the valid ones, the fix, and the right exit code."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import SMALL, Command, Run, variant_records, write_network

from porting.networks.store import build_backbone, input_shape, save_network
from porting.workspace.workspace import Workspace

QUIET = "tracking.enabled=false"


def complaint(run: Run, code: int) -> str:
    """The one line on stderr."""
    lines = run.err.strip().splitlines()
    assert run.code == code, run
    assert len(lines) == 1, run.err
    assert lines[0].startswith("dnn-porting: ")
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["stage=trian"], "unknown stage 'trian': did you mean 'train'?"),
        (["stage=[train,foo]"], "unknown stage 'foo': choices are all, export"),
        (["stage=[all,train]"], "stage=all excludes other stages"),
        (["backbone=resnt8"], "unknown backbone 'resnt8': did you mean 'resnet8'? Choices: densenet121"),
        (["datamodule=digit"], "unknown datamodule 'digit': did you mean 'digits'?"),
        (["simulat"], "unknown command 'simulat': did you mean 'simulate'? Choices: adopt, compare"),
        (["experiment=null"], "experiment=null is no choice: leave it out, or take one of cifar10_densenet"),
        (["pruner=tailor"], "unknown pruner 'tailor': did you mean 'taylor'?"),
        (["target=local"], "unknown target 'local': did you mean 'local_cpu'?"),
        (["experiment=cifar"], "unknown experiment 'cifar': choices are cifar10_densenet, cifar10_resnet20x2"),
        (["train.epoch=3"], "unknown key 'train.epoch': did you mean 'epochs'?"),
        (["trian.epochs=3"], "unknown key 'trian': did you mean 'train'?"),
        (["backbone.widht=3"], "unknown key 'backbone.widht': did you mean 'width'?"),
        (["stage=train", "++backbone.widht=3"], "takes no 'widht': did you mean 'width'?"),
        (["++train.epoch=3"], "unknown key 'train.epoch': did you mean 'epochs'?"),
        (["train.epochs=many"], "train.epochs='many' cannot be used"),
        (["prune.ratios=[1.0]"], "prune.ratios.0=1.0 cannot be used: input should be less than 1"),
        (["prune.ratios=[0]"], "prune.ratios.0=0 cannot be used: input should be greater than 0"),
        (
            ["prune.ratios=[]"],
            "prune cannot be used: there is no aim: give ratios, latency_shares, target_speedup or",
        ),
        (["prune.target_speedup=[1]"], "prune.target_speedup.0=1 cannot be used: input should be greater than 1"),
        (["quantize.schemes=[u4]"], "quantize.schemes.0='u4' cannot be used: input should be 'u8s8' or 's8s8'"),
        (["datamodule.augmentation.zoom=0", "stage=train"], "zoom is a share in (0, 1]"),
        (["backbone=torchvision", "backbone.network=resnet19", "stage=train"], "torchvision has no network 'resnet19'"),
        (["train.weights=nowhere.pt", "stage=train"], "train.weights=nowhere.pt is no file"),
        (["stage=prune"], "stage prune needs a trained or imported torch network"),
        (["stage=finetune"], "run stage=prune first"),
        (["stage=export"], "run stage=train first"),
        (["stage=quantize"], "run stage=export first"),
        (["stage=profile"], "run stage=export first"),
        (["stage=publish"], "run stage=profile first"),
        (["stage=train", "datamodule=none"], "stage train needs data: choose one with datamodule=NAME"),
        (["stage=quantize", "datamodule=none"], "stage quantize needs data: choose one with datamodule=NAME"),
        (["stage=[train,import]"], "stages train and import exclude each other"),
        (["stage=[]"], "stage=[] cannot be used"),
        (["profile.throughput.batches=[128]"], "profile.throughput.batches.0=128 cannot be used"),
        (["stage=import"], "stage import needs model=FILE"),
        (["model=nowhere.onnx"], "model=nowhere.onnx is no file"),
        (["datamodule=image_folder"], "datamodule.root has no value"),
        (["stage=train", "datamodule=image_folder", "datamodule.root=/nowhere"], "/nowhere is no folder"),
        (["--config-dir", "/nowhere", "stage=train"], "'/nowhere' not found"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input(dnn_porting: Command, tmp_path: Path, arguments: list[str], says: str) -> None:
    found = complaint(dnn_porting(*arguments, f"workspace={tmp_path}", QUIET), code=2)
    assert says in found
    assert not variant_records(tmp_path)


@pytest.mark.parametrize(("arguments", "says"), [
    (["backbone=resnt8"], "unknown backbone 'resnt8'"),
    (["stage=trian"], "unknown stage 'trian'"),
    (["stage=prune"], "stage prune needs a trained or imported torch network"),
], ids=["hydra", "settings", "stage"])  # fmt: skip
def test_a_command_that_still_has_to_import_everything_says_no_more(
    cold_dnn_porting: Command, tmp_path: Path, arguments: list[str], says: str
) -> None:
    assert says in complaint(cold_dnn_porting(*arguments, f"workspace={tmp_path}", QUIET), code=2)


def test_a_misspelt_key_in_a_file_is_found(dnn_porting: Command, tmp_path: Path) -> None:
    experiment = tmp_path / "experiment"
    experiment.mkdir()
    (experiment / "mine.yaml").write_text("# @package _global_\ntrain: {epcohs: 3}\n")
    run = dnn_porting("--config-dir", str(tmp_path), "experiment=mine", f"workspace={tmp_path / 'w'}", QUIET)
    assert "epcohs" in complaint(run, code=2)
    assert "epochs" in run.err


def test_a_trace_is_there_for_who_asks(tmp_path: Path) -> None:
    from support import command_line, environment

    asked = {**environment(), "HYDRA_FULL_ERROR": "1"}
    command = command_line("stage=trian", f"workspace={tmp_path}")
    done = subprocess.run(command, env=asked, capture_output=True, text=True)
    assert "Traceback" in done.stderr


def test_a_verb_names_what_it_needs(cold_dnn_porting: Command, tmp_path: Path) -> None:
    assert "has no repository.json, so its files are unknown" in complaint(
        cold_dnn_porting("serve", str(tmp_path)), code=2
    )


def test_calibration_without_data_is_refused_and_what_was_imported_stays(
    dnn_porting: Command, network: Path, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    run = dnn_porting("stage=[import,quantize]", f"model={network}", "datamodule=none", f"workspace={workspace}", QUIET)
    assert "stage quantize needs data: choose one with datamodule=NAME" in complaint(run, code=2)
    (record,) = variant_records(workspace).values()
    assert record["onnx"]["precision"] == "fp32"


@pytest.mark.integration
def test_a_teacher_of_other_classes_is_refused(dnn_porting: Command, tmp_path: Path) -> None:
    here = [*SMALL, "pruner=l1", f"workspace={tmp_path}", QUIET]
    made = dnn_porting("stage=[train,prune]", *here)
    assert made.code == 0, made.err
    workspace = Workspace(tmp_path)
    base = next(one for one in workspace.variants("digits") if one.stage == "train")
    assert base.network is not None
    other, backbone = workspace.folder(base), base.network.backbone
    network = save_network(build_backbone(backbone, 1, 7), other, backbone, 7, input_shape(other))
    workspace.record(base.model_copy(update={"network": network}))
    run = dnn_porting("stage=finetune", *here)
    assert "the teacher has 7 classes and the network 10: take a teacher" in complaint(run, code=2)


@pytest.mark.integration
def test_no_triton_says_how_to_get_one(tmp_path: Path, published: Path) -> None:
    from support import command_line, environment

    shutil.copytree(published / "tasks", tmp_path / "tasks")
    for profile in tmp_path.glob("tasks/*/variants/*/profiles"):
        shutil.rmtree(profile)
    arguments = command_line("stage=profile", f"workspace={tmp_path}", QUIET, *SMALL)
    arguments.append(f"targets.local_cpu.server_environment={tmp_path}")
    done = subprocess.run(arguments, env=environment(), capture_output=True, text=True)
    found = complaint(Run(done.returncode, done.stdout, done.stderr), code=2)
    assert "make server" in found
    assert "runtime=onnxruntime" in found


@pytest.mark.integration
def test_a_port_in_use(dnn_porting: Command, tmp_path: Path, published: Path) -> None:
    shutil.copytree(published / "tasks", tmp_path / "tasks")
    for profile in tmp_path.glob("tasks/*/variants/*/profiles"):
        shutil.rmtree(profile)
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        run = dnn_porting(
            "stage=profile", f"workspace={tmp_path}", QUIET, *SMALL, f"targets.local_cpu.grpc_port={port}"
        )
    assert f"port {port} cannot be used" in complaint(run, code=2)
    assert len(variant_records(tmp_path)) == len(variant_records(published))


@pytest.mark.integration
def test_a_loss_that_is_not_finite(dnn_porting: Command, tmp_path: Path) -> None:
    run = dnn_porting("stage=train", "train.learning_rate=1e12", f"workspace={tmp_path}", QUIET)
    assert "lower the learning rate" in complaint(run, code=1)
    assert not list(tmp_path.glob("tasks/*/variants/*"))


@pytest.mark.integration
def test_a_network_from_which_nothing_is_pruned(dnn_porting: Command, tmp_path: Path, published: Path) -> None:
    shutil.copytree(published / "tasks", tmp_path / "tasks")
    before = variant_records(tmp_path)
    run = dnn_porting("stage=prune", "prune.ratios=[0.01]", "prune.round_to=16", f"workspace={tmp_path}", QUIET)
    assert "prunes nothing from ResNet" in complaint(run, code=2)
    assert variant_records(tmp_path) == before


@pytest.mark.integration
def test_a_named_stage_without_its_predecessor_is_no_success(dnn_porting: Command, tmp_path: Path) -> None:
    settings = ["train.epochs=1", "backbone.width=0.25", f"workspace={tmp_path}", QUIET]
    run = dnn_porting("stage=[train,finetune]", *settings)
    assert "stage finetune needs a pruned network" in complaint(run, code=2)
    assert len(variant_records(tmp_path)) == 1


@pytest.mark.integration
def test_a_failed_export_leaves_the_file_that_was_there(dnn_porting: Command, tmp_path: Path, published: Path) -> None:
    shutil.copytree(published / "tasks", tmp_path / "tasks")
    before = variant_records(tmp_path)
    run = dnn_porting("stage=export", "export.tolerance=1e-12", f"workspace={tmp_path}", QUIET)
    assert "more than export.tolerance" in complaint(run, code=1)
    assert variant_records(tmp_path) == before


@pytest.mark.integration
@pytest.mark.parametrize("name", ["model.safetensors", "model.onnx", "model.pt", "manifest.json"])
def test_a_truncated_file_of_a_variant(dnn_porting: Command, tmp_path: Path, published: Path, name: str) -> None:
    shutil.copytree(published / "tasks", tmp_path / "tasks")
    (base,) = (n for n, record in variant_records(tmp_path).items() if len(record["lineage"]) == 1)
    path = tmp_path / "tasks/digits/variants" / base / name
    path.write_bytes(path.read_bytes()[:-100])
    run = dnn_porting(*SMALL, f"workspace={tmp_path}", QUIET)
    found = complaint(run, code=2)
    assert "truncated or changed since it was written" in found
    assert base in found


@pytest.mark.parametrize("name", ["model.onnx", "model.pt", "model.safetensors"])
def test_a_truncated_file_to_import(dnn_porting: Command, tmp_path: Path, name: str) -> None:
    import torch
    from safetensors.torch import save_file

    path = tmp_path / name
    if name == "model.onnx":
        write_network(path)
    elif name == "model.pt":
        torch.save({"w": torch.zeros(1000)}, path)
    else:
        save_file({"w": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:-200])
    extra = ["import.input_shape=[1,32,32]", "import.num_classes=10"]
    run = dnn_porting("stage=import", f"model={path}", f"workspace={tmp_path / 'w'}", QUIET, *extra)
    assert "truncated" in complaint(run, code=2)
    assert not variant_records(tmp_path / "w")


def test_a_model_that_does_not_fit_the_data(dnn_porting: Command, tmp_path: Path) -> None:
    path = write_network(tmp_path / "model.onnx")
    run = dnn_porting("stage=import", f"model={path}", "datamodule=digits", f"workspace={tmp_path / 'w'}", QUIET)
    assert "takes input of shape [1, 8, 8] and datamodule digits gives [1, 32, 32]" in complaint(run, code=2)


def test_two_writers_of_one_task(dnn_porting: Command, tmp_path: Path) -> None:
    from profiler.common.locks import exclusive

    with exclusive(tmp_path / "tasks" / "digits" / ".lock", "it"):
        run = dnn_porting("stage=train", f"workspace={tmp_path}", QUIET)
    assert f"in use by process {os.getpid()}" in complaint(run, code=2)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 KiB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small file system needs root")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", str(place)], capture_output=True)
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.integration
def test_a_full_disk(dnn_porting: Command, small_disk: Path) -> None:
    run = dnn_porting("stage=train", "train.epochs=1", f"workspace={small_disk}", QUIET)
    assert "No space left on device" in complaint(run, code=1)
    assert not list(small_disk.glob("tasks/digits/variants/*"))


# Room for a part of MLflow's database, for all of it but no checkpoint, and for these but not for all it is told.
@pytest.mark.integration
@pytest.mark.parametrize("room", ["300k", "980k", "1500k"])
def test_a_full_disk_under_mlflow_leaves_nothing_half_and_the_next_run_goes_on(
    dnn_porting: Command, small_disk: Path, room: str
) -> None:
    train = ["stage=train", "train.epochs=2", "backbone.width=0.5", "datamodule._target_=few_digits.FewDigits"]
    subprocess.run(["mount", "-o", f"remount,size={room}", str(small_disk)], check=True)
    line = complaint(dnn_porting(*train, f"workspace={small_disk}"), code=1)
    assert "No space left on device" in line or "disk is full): the disk at " in line
    assert not list(small_disk.rglob(".unfinished-*"))
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    run = dnn_porting(*train, f"workspace={small_disk}")
    assert run.code == 0, run.err
    assert not [path for name in (".unfinished-*", "*-journal", "*.ckpt") for path in small_disk.rglob(name)]


def test_a_read_only_disk(dnn_porting: Command, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    run = dnn_porting("stage=train", "train.epochs=1", f"workspace={small_disk}", QUIET)
    assert "Read-only file system" in complaint(run, code=1)
