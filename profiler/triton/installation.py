"""Where a Triton server is on this machine, and how to call it."""

import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from profiler.common.errors import ServerNotFoundError

OUR_BACKENDS = Path(__file__).parent / "backend"
WHEEL_ENVIRONMENT = ".venv-triton"
LIBRARIES = "nvidia_pytriton.libs"
# What our copy of Triton's Python backend says in place of what NVIDIA's does, at the same length.
OURS = {
    # It makes a folder for foreign environments, of which we serve none, and leaves it when it is killed: so it lies
    # where the server works, in a folder that is removed.
    b"/tmp/python_env_": b"././/python_env_",
    # By this function it lets every user read its shared memory, against the umask. The other one, given a mode for the
    # address of what is to be written, fails, which nobody minds; `chmod` is the end of the one name, `write` of the
    # other, and fails too.
    b"\0fchmod\0": b"\0pwrite\0",
}
# The packages that bring ONNX Runtime, one of which is installed.
BUILDS = ("onnxruntime", "onnxruntime_gpu", "onnxruntime_openvino")


@dataclass(frozen=True)
class Installation:
    """A `tritonserver` binary, the kind of its `onnxruntime` backend, and the environment it runs in.

    `backend_kind` is `cpp` for the official build and `python` for the one in this package: a profile
    records it, as a request costs the Python one about 100 µs more.
    """

    binary: Path
    backend_kind: Literal["cpp", "python"]
    wheel: Path | None = None

    def environment(self, folder: Path) -> dict[str, str]:
        """The process environment; the wheel's libraries, from the `folder` that was laid out, and interpreter come
        first where it is used.
        """
        # Triton takes this one for a wish to listen at all addresses.
        environment = {name: value for name, value in os.environ.items() if name != "AIP_MODE"}
        if self.wheel is not None:
            bin_folder = self.wheel.parents[3] / "bin"
            environment["PATH"] = f"{bin_folder}{os.pathsep}{environment.get('PATH', '')}"
            environment["LD_LIBRARY_PATH"] = str(folder / LIBRARIES)
            environment.pop("PYTHONPATH", None)
            environment.pop("PYTHONHOME", None)
        return environment

    def identity(self) -> str:
        """The digest of the server's binary, and the version of ONNX Runtime where it is known."""
        with self.binary.open("rb") as file:
            return f"{hashlib.file_digest(file, 'sha256').hexdigest()} {self.onnxruntime_version()}"

    def onnxruntime_version(self) -> str | None:
        """The version in the server's own environment; the official build does not tell it."""
        if self.wheel is None:
            return None
        packages = [folder for build in BUILDS for folder in self.wheel.parent.glob(f"{build}-*.dist-info")]
        return next((folder.name.split("-")[1].removesuffix(".dist") for folder in packages), None)

    def link_backends(self, folder: Path) -> list[str]:
        """Lay out `folder` as a backend directory where one is needed; return the server's arguments."""
        if self.wheel is None:
            return []
        tritonserver = self.wheel / "tritonserver"
        version = self.wheel.parents[1].name.removeprefix("python")
        # Copies, as the server refuses a backend library that a link leads out of its folder.
        source, library = tritonserver / "backends" / "python", "libtriton_python.so"
        shutil.copytree(source, folder / "python", ignore=shutil.ignore_patterns(library))
        content = (source / library).read_bytes()
        for theirs, ours in OURS.items():
            content = content.replace(theirs, ours)
        (folder / "python" / library).write_bytes(content)
        shutil.copy2(tritonserver / "python_backend_stubs" / version / "triton_python_backend_stub", folder / "python")
        shutil.copytree(OUR_BACKENDS / "onnxruntime", folder / "onnxruntime")
        # The loader takes a path of any name for several, which are divided by ':' and ';'.
        (folder / LIBRARIES).symlink_to(self.wheel.parent / LIBRARIES)
        return [f"--backend-directory={folder}"]


def find_triton(environment: Path | None = None) -> Installation:
    """`tritonserver` on the PATH, else the one inside the `nvidia-pytriton` wheel.

    The wheel is looked for in `environment`, else in a virtual environment `.venv-triton` beside the
    running one: the working directory may be anybody's. Raises `ServerNotFoundError` where there is none.
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
        "Get one with 'make server', name an endpoint with target.<name>.endpoint=HOST:PORT, "
        "or measure in this process with target.<name>.runtime=onnxruntime"
    )
