"""What is installed: versions and hashes of everything, whole, and told in a bill of materials."""

import json
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support import ROOT

ENVIRONMENTS = ("build", "plain", "all", "triton", "mlserver")
# The extras that .venv has.
INSTALLED = ("porting", "s3", "signing", "dev")


def packages(environment: str) -> dict[str, tuple[Requirement, set[str]]]:
    """What an environment's file names, each with its hashes."""
    text = (ROOT / f"requirements-{environment}.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found: dict[str, tuple[Requirement, set[str]]] = {}
    for line in lines:
        requirement, *hashes = line.split("--hash=sha256:")
        parsed = Requirement(requirement)
        found[canonicalize_name(parsed.name)] = parsed, {digest.strip() for digest in hashes}
    return found


def here(requirement: Requirement, extras: tuple[str, ...] = ("",)) -> bool:
    """Whether this machine asks for the requirement."""
    return requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_package_has_a_version_and_hashes_and_comes_from_no_stated_place(environment: str) -> None:
    named = packages(environment)
    assert named
    for requirement, hashes in named.values():
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], requirement
        assert requirement.url is None
        assert hashes
        assert all(len(digest) == 64 for digest in hashes), requirement
    assert not [line for line in (ROOT / f"requirements-{environment}.txt").read_text().splitlines() if "/" in line]


@pytest.mark.parametrize(("environment", "extras"), [("plain", ()), ("all", INSTALLED)])
def test_a_file_names_whatever_a_package_in_it_asks_for(environment: str, extras: tuple[str, ...]) -> None:
    named = packages(environment)
    assert named
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    for name, (requirement, _) in named.items():
        if here(requirement) and name != "uv":
            asked += metadata.requires(name) or []
    for requirement in map(Requirement, asked):
        if here(requirement):
            pinned = named[canonicalize_name(requirement.name)][0]
            (version,) = pinned.specifier
            assert requirement.specifier.contains(version.version, prereleases=True), requirement


def test_what_is_installed_has_the_versions_of_the_file() -> None:
    named, plain = packages("all"), packages("plain")
    assert plain
    for name, (requirement, _) in plain.items():
        assert requirement.specifier == named[name][0].specifier
    for distribution in metadata.distributions():
        name = canonicalize_name(distribution.name)
        if name in named:
            assert named[name][0].specifier.contains(distribution.version, prereleases=True), name


def test_a_bill_of_materials_is_valid_and_has_every_version_and_hash(tmp_path: Path) -> None:
    command = ["make", "--old-file=install", "sbom", f"SBOM={tmp_path}", "RELEASED=plain"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    text = (tmp_path / "sbom-plain.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    assert bill["metadata"]["component"]["name"] == "dnn-porting"
    listed = {
        component["name"]: (component["version"], {entry["content"] for entry in reference["hashes"]})
        for component in bill["components"]
        for reference in component["externalReferences"]
    }
    for name, (requirement, hashes) in packages("plain").items():
        (version,) = requirement.specifier
        assert listed[name] == (version.version, hashes)
