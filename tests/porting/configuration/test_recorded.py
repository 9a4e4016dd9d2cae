"""A record calls nothing: its backbone is looked up among those that configs name."""

from pathlib import Path
from typing import Any

import pytest

from porting.configuration import recorded as configs
from porting.configuration.components import NamedComponent
from porting.configuration.recorded import recorded
from porting.networks.store import build_backbone, load_network, save_network
from porting.repository.schema import Details
from porting.workspace.records import OnnxFile, Variant
from profiler.common.errors import BadInputError


def component(target: str, **arguments: Any) -> NamedComponent:
    return NamedComponent.model_validate({"_target_": target, "name": "some", **arguments})


OWN = component("backbones.resnet.resnet20", width=0.25)


@pytest.mark.parametrize(
    "one",
    [
        component("os.system", command="touch pwned"),
        component("torch.hub.load", repo_or_dir="here", source="local"),
        component("backbones.resnet.resnet8", width={"_target_": "os.system", "command": "touch pwned"}),
        component("backbones.resnet.resnet8", width=[{"deep": {"_target_": "os.system", "command": "touch pwned"}}]),
        component("datamodules.image_folder.ImageFolder", root="/"),
        component("porting.pruners.engines.nni.NNI", criterion="l1"),
    ],
)
def test_a_record_s_target_that_no_backbone_s_config_names_is_not_called(
    one: NamedComponent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInputError, match="which is in no config: choose that backbone with backbone=NAME"):
        recorded(one, OWN)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [{"network": "/home/somebody/net"}, {"network": "hf-hub:somebody/net"}, {"network": "a", "more": ["x.pth"]},
     {"network": "a", "more": {"deep": "s3://bucket"}}, {"network": "a", "width": 1e12}],
)  # fmt: skip
def test_a_record_s_argument_leads_to_no_file_and_no_address(arguments: dict[str, Any]) -> None:
    with pytest.raises(BadInputError, match="could be a file or an address"):
        recorded(component("backbones.by_name.torchvision_network", **arguments), OWN)


@pytest.mark.parametrize("name", ["pretrained", "pretrained_cfg", "checkpoint_path", "weights", "cache_dir"])
@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_a_backbone_by_name_brings_no_weights(library: str, name: str) -> None:
    one = component(f"backbones.by_name.{library}_network", network="resnet18", **{name: "x"})
    with pytest.raises(BadInputError, match=f"'{name}' loads weights"):
        build_backbone(one, 3, 2)


def test_a_backbone_of_our_configs_or_of_the_run_s_own_is_taken() -> None:
    ours = component("backbones.resnet.resnet8", width=0.5, stem="cifar")
    assert recorded(ours, OWN) is ours
    own = component("somebody.net", path="/home/somebody/weights.pt")
    assert recorded(own, own) is own


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "backbone").mkdir()
    (tmp_path / "backbone" / "mine.yaml").write_text("name: mine\n_target_: mine_to_record.net\n")
    (tmp_path / "mine_to_record.py").write_text(
        "from pathlib import Path\ndef net(in_channels: int, num_classes: int, weights: Path | None = None): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(configs, "config_folders", [tmp_path])
    return tmp_path


def test_a_backbone_of_config_dir_is_taken_without_a_path(plugins: Path) -> None:
    mine = component("mine_to_record.net")
    assert recorded(mine, OWN) is mine
    with pytest.raises(BadInputError, match="could be a file or an address"):
        recorded(component("mine_to_record.net", weights="weights"), OWN)


def test_weights_with_one_bit_flipped_are_not_loaded(tmp_path: Path) -> None:
    network = save_network(build_backbone(OWN, 1, 3), tmp_path, OWN, 3, (1, 8, 8))
    load_network(network, tmp_path, OWN)
    content = bytearray((tmp_path / "model.safetensors").read_bytes())
    content[-40] ^= 1
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(BadInputError, match="truncated or changed since it was written"):
        load_network(network, tmp_path, OWN)


# Of these the record allows less than the details.
STRICTER = {"schema_version", "reasons", "backbone"}


@pytest.mark.parametrize("kind", [Variant, OnnxFile])
def test_a_record_that_can_be_read_can_be_published(kind: type[Variant | OnnxFile]) -> None:
    shared = kind.model_fields.keys() & Details.model_fields.keys() - STRICTER
    assert shared
    for name in shared:
        recorded, published = kind.model_fields[name], Details.model_fields[name]
        assert recorded.annotation == published.annotation, name
        assert {repr(one) for one in published.metadata} <= {repr(one) for one in recorded.metadata}, name
