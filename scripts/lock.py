"""Writes the requirements files from pyproject.toml: one for each environment, every package with its version and hashes.

A version stays while pyproject.toml allows it; `--upgrade` takes the newest. The hashes are those of all files of a
release on the package index, for every platform, and that of the file which pip takes on this machine.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXTRAS = ("porting", "s3", "signing", "dev")
ENVIRONMENTS = {
    "build": ["--group", "build"],
    "plain": ["pyproject.toml"],
    "all": ["pyproject.toml", *(f"--extra={extra}" for extra in EXTRAS)],
    "triton": ["--group", "triton", "--no-deps"],
    "mlserver": ["--group", "mlserver"],
}
# The libraries that torch asks for where its build is one for CUDA.
CUDA = re.compile(r"nvidia-(?!ml-py)|cuda-|triton==")
HEADER = "# Written by `make lock` from pyproject.toml.\n"


def main() -> None:
    """Locks every environment; arguments go to uv."""
    for name, source in ENVIRONMENTS.items():
        path = ROOT / f"requirements-{name}.txt"
        packages = resolved(path, [*source, *sys.argv[1:]])
        if name == "all":
            write(ROOT / "requirements-cuda.txt", [package for package in packages if CUDA.match(package)])
            packages = [package for package in packages if not CUDA.match(package)]
        write(path, with_hashes_of_this_machine(packages))


def resolved(path: Path, source: list[str]) -> list[str]:
    """The packages, each as its lines in a requirements file; the versions in the file at `path` are preferred."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "requirements.txt")
        cuda = ROOT / "requirements-cuda.txt"
        known = [path, cuda] if path.name == "requirements-all.txt" else [path]
        output.write_text("".join(file.read_text() for file in known if file.exists()))
        command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version=3.11", "--generate-hashes"]
        options = ["--no-header", "--no-annotate", f"--output-file={output}"]
        subprocess.run([*command, *options, *source], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return re.split(r"\n(?=\S)", output.read_text().strip())


def with_hashes_of_this_machine(packages: list[str]) -> list[str]:
    """Each package with the hash of the file that pip would install here, which may not be the index's."""
    taken = taken_here([package.partition(" \\")[0] for package in packages])
    return [with_hash(package, taken.get(package.partition("==")[0])) for package in packages]


def with_hash(package: str, sha256: str | None) -> str:
    """The package's lines, with this hash among them."""
    first, *lines = package.split(" \\\n    ")
    return " \\\n    ".join([first, *sorted({*lines, *([f"--hash=sha256:{sha256}"] if sha256 else [])})])


def taken_here(pins: list[str]) -> dict[str, str]:
    """The sha256 of what pip takes for these pins, by the name of the package."""
    with tempfile.NamedTemporaryFile("w+", suffix=".txt") as file:
        file.write("\n".join(pins))
        file.flush()
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps"]
        options = ["--no-build-isolation", "--report=-", f"--requirement={file.name}"]
        report = subprocess.run([*command, *options], check=True, stdout=subprocess.PIPE).stdout
    return {
        re.sub(r"[-_.]+", "-", package["metadata"]["name"]).lower(): package["download_info"]["archive_info"]["hashes"][
            "sha256"
        ]
        for package in json.loads(report)["install"]
    }


def write(path: Path, packages: list[str]) -> None:
    """The requirements file."""
    path.write_text(HEADER + "\n".join(packages) + "\n")


if __name__ == "__main__":
    main()
