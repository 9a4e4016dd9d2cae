"""The default of `datamodule.val_from`: from the test pictures where the network was trained elsewhere."""

from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from narrowing import of
from omegaconf import OmegaConf
from support import ROOT

from porting.configuration.settings import validated
from porting.configuration.val_from import announcement

NETWORKS = [["model=weights.pt"], ["train.weights=ResNet18_Weights.DEFAULT"], ["+backbone.pretrained=true"]]


def composed(*overrides: str) -> dict[str, Any]:
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return of(OmegaConf.to_container(compose("config", list(overrides)), resolve=True), dict)


def chosen(*overrides: str) -> Any:
    module = validated(composed(*overrides)).datamodule
    return None if module is None else module.arguments().get("val_from")


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("data", ["digits", "cifar10", "bee_ants"])
def test_a_network_that_was_trained_elsewhere_validates_on_test_pictures(network: list[str], data: str) -> None:
    assert chosen(*network, f"datamodule={data}") == "test"


def test_a_network_of_random_weights_validates_on_training_pictures() -> None:
    assert chosen("datamodule=digits") == "train"


@pytest.mark.parametrize("given", ["train", "test"])
@pytest.mark.parametrize("network", [[], *NETWORKS])
def test_an_explicit_value_wins(given: str, network: list[str]) -> None:
    overrides = [*network, "datamodule=digits", f"datamodule.val_from={given}"]
    assert chosen(*overrides) == given
    assert announcement(composed(*overrides)) == ""


def test_the_default_holds_for_a_configuration_of_the_user_with_a_module_of_the_project() -> None:
    values = composed("model=weights.pt")
    del values["datamodule"]["val_from"]
    module = validated(values).datamodule
    assert module is not None
    assert module.arguments()["val_from"] == "test"


def test_a_data_module_of_the_user_without_the_argument_is_left_alone() -> None:
    values = composed("model=weights.pt") | {"datamodule": {"name": "mine", "_target_": "mine.Pictures"}}
    module = validated(values).datamodule
    assert module is not None
    assert module.arguments() == {}
    assert announcement(values) == ""


def test_an_import_without_data_has_no_line() -> None:
    values = composed("model=weights.pt", "datamodule=none")
    assert validated(values).datamodule is None
    assert announcement(values) == ""


@pytest.mark.parametrize(
    ("network", "why"), [*zip(NETWORKS, ["model=", "train.weights", "backbone is pretrained"], strict=True)]
)
def test_one_line_says_that_test_pictures_validate_and_why(network: list[str], why: str) -> None:
    line = announcement(composed(*network, "datamodule=digits"))
    assert "datamodule.val_from=test" in line
    assert why in line
    assert "\n" not in line
