"""Which files a target gets to serve: none that would answer otherwise there than they were evaluated."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from unfinished import unfinished

from porting.onnx_files.quantization import int8_format
from porting.stages.servable import servable, why_not
from porting.workspace.records import OnnxFile, Variant
from profiler.common.errors import BadInputError
from profiler.common.target import Target

VNNI, PLAIN = "flags : avx2 avx512_vnni", "flags : avx2"


def file(**changed: Any) -> OnnxFile:
    usual = {"valid_on": "any", "program_sha256": None, "reasons": {"program_sha256": "it exists as an ONNX file only"}}
    return unfinished(OnnxFile, **(usual | changed))


@pytest.fixture
def on_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def pretend(flags: str) -> None:
        path = tmp_path / "cpuinfo"
        path.write_text(flags)
        monkeypatch.setattr(int8_format, "CPUINFO", path)
        monkeypatch.setattr("platform.machine", lambda: "x86_64")

    return pretend


def test_half_precision_is_served_on_gpus_only() -> None:
    assert why_not(Target(), file(valid_on="gpu")) == "half precision is for GPUs"
    for provider in ("cuda", "tensorrt"):
        assert why_not(Target(providers=(provider, "cpu")), file(valid_on="gpu")) == ""


def test_int8_that_needs_exact_products_is_served_where_they_are(on_processor: Callable[[str], None]) -> None:
    on_processor(PLAIN)
    assert "saturate on this processor" in why_not(Target(), file(valid_on="exact int8"))
    assert why_not(Target(), file()) == ""
    on_processor(VNNI)
    assert why_not(Target(), file(valid_on="exact int8")) == ""


def test_torch_serves_what_has_a_program() -> None:
    torch = Target(runtime="torch")
    assert why_not(torch, file()) == "it has no torch program, it exists as an ONNX file only"
    assert why_not(torch, file(program_sha256="0" * 64)) == ""


def test_a_target_that_serves_nothing_is_refused_with_every_reason() -> None:
    pool = [unfinished(Variant, name="half", onnx=file(valid_on="gpu")), unfinished(Variant, name="none", onnx=None)]
    with pytest.raises(BadInputError, match=r"target box serves no exported variant \(half precision is for GPUs\)"):
        servable({"box": Target()}, pool)
