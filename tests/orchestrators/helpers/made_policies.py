"""Policies as the commands make them of `conf/policy`."""

from typing import Any

from hydra import compose, initialize_config_dir
from narrowing import of
from omegaconf import OmegaConf
from support import ROOT

from orchestrators.commands.prepared import made
from orchestrators.policies import Environment, Policy
from porting.configuration.components import Component

POLICIES = sorted({path.stem for path in (ROOT / "conf" / "policy").glob("*.yaml")} - {"all"})


def component(name: str, *overrides: str, command: str = "simulate") -> Component:
    """As this command configures it."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config: Any = compose(command, overrides=[f"policy={name}", *overrides])
    return Component.model_validate(of(OmegaConf.to_container(config.policies, resolve=True), dict)[name])


def policy(name: str, environment: Environment, *overrides: str) -> Policy:
    return made(component(name, *overrides), environment)
