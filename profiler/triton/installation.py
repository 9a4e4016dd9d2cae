"""The Triton installation of this machine: its location, environment and backends."""

import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from profiler.common.errors import ServerNotFoundError

OWN_BACKENDS = Path(__file__).parent / "backend"
WHEEL_ENVIRONMENT = ".venv-triton"
LIBRARIES = "nvidia_pytriton.libs"
# Replacements in the copy of NVIDIA's Python backend library, of equal length.
PATCHES = {
    # The backend makes a folder for foreign environments, which are never served here, and leaves it when it is killed.
    # In the server's working folder, it is removed with that folder.
    b"/tmp/python_env_": b"././/python_env_",
    # The backend calls fchmod to let every user read its shared memory, against the umask. pwrite with the mode as the
    # address of its data fails without effect, and its result is ignored. `chmod` and `write` are the ends of the two
    # names, and calls of `chmod` become calls of `write` that fail as well.
    b"\0fchmod\0": b"\0pwrite\0",
}
# The packages with ONNX Runtime, one of which is installed.
BUILDS = ("onnxruntime", "onnxruntime_gpu", "onnxruntime_openvino")


@dataclass(frozen=True)
class Installation:
    """A `tritonserver` binary, the kind of its `onnxruntime` backend, and the environment it runs in.

    A profile records `backend_kind`, because a request costs about 100 µs more with this package's `python` backend.
    """

    binary: Path
    backend_kind: Literal["cpp", "python"]
    wheel: Path | None = None

    def environment(self, folder: Path) -> dict[str, str]:
        """The process environment; for the wheel, its interpreter and the libraries in `folder` come first."""
        # This variable makes Triton listen at all addresses.
        environment = {name: value for name, value in os.environ.items() if name != "AIP_MODE"}
        if self.wheel is not None:
            bin_folder = self.wheel.parents[3] / "bin"
            environment["PATH"] = f"{bin_folder}{os.pathsep}{environment.get('PATH', '')}"
            environment["LD_LIBRARY_PATH"] = str(folder / LIBRARIES)
            environment.pop("PYTHONPATH", None)
            environment.pop("PYTHONHOME", None)
        return environment

    def identity(self) -> str:
        """The digest of the server's binary, with the version of ONNX Runtime if it is known."""
        with self.binary.open("rb") as file:
            return f"{hashlib.file_digest(file, 'sha256').hexdigest()} {self.onnxruntime_version()}"

    def onnxruntime_version(self) -> str | None:
        """The version of ONNX Runtime in the server's environment, `None` for the official build."""
        if self.wheel is None:
            return None
        packages = [folder for build in BUILDS for folder in self.wheel.parent.glob(f"{build}-*.dist-info")]
        return next((folder.name.split("-")[1].removesuffix(".dist") for folder in packages), None)

    def link_backends(self, folder: Path) -> list[str]:
        """Prepares `folder` as a backend directory if the wheel needs one, and returns the server's arguments."""
        if self.wheel is None:
            return []
        tritonserver = self.wheel / "tritonserver"
        version = self.wheel.parents[1].name.removeprefix("python")
        # The backends are copies, because the server refuses a backend library behind a link out of its folder.
        source, library = tritonserver / "backends" / "python", "libtriton_python.so"
        shutil.copytree(source, folder / "python", ignore=shutil.ignore_patterns(library))
        content = (source / library).read_bytes()
        for original, patch in PATCHES.items():
            content = content.replace(original, patch)
        (folder / "python" / library).write_bytes(content)
        shutil.copy2(tritonserver / "python_backend_stubs" / version / "triton_python_backend_stub", folder / "python")
        shutil.copytree(OWN_BACKENDS / "onnxruntime", folder / "onnxruntime")
        # The loader splits paths at ':' and ';', which the wheel's own path may have.
        (folder / LIBRARIES).symlink_to(self.wheel.parent / LIBRARIES)
        return [f"--backend-directory={folder}"]


def find_triton(environment: Path | None = None) -> Installation:
    """The `tritonserver` on the PATH, else the one in the wheel `nvidia-pytriton` of `environment` or `.venv-triton`.

    The working directory is untrusted and not searched. Raises `ServerNotFoundError` where there is none.
    """
    if environment is None and (on_path := shutil.which("tritonserver")):
        binary = Path(on_path).resolve()
        if (binary.parents[1] / "backends" / "onnxruntime").is_dir():
            return Installation(binary=binary, backend_kind="cpp")
    folder = (environment or Path(sys.prefix).parent / WHEEL_ENVIRONMENT).absolute()
    for wheel in sorted(folder.glob("lib/python3.*/site-packages/pytriton")):
        return Installation(wheel / "tritonserver" / "bin" / "tritonserver", "python", wheel)
    raise ServerNotFoundError(
        f"no Triton server: looked for tritonserver on the PATH and in {folder}. "
        "Install one with 'make server', name an endpoint with targets.<name>.endpoint=HOST:PORT, "
        "or measure in this process with targets.<name>.runtime=onnxruntime"
    )
