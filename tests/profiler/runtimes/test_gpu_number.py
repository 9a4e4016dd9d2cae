"""The GPU that a target names is the one that computes, in every runtime."""

from types import ModuleType, SimpleNamespace

import onnxruntime as ort
import pytest

from profiler.common.errors import BadInputError
from profiler.common.target import Target, Tensor
from profiler.runtimes.providers import session_providers
from profiler.runtimes.torch_program import usable_device
from profiler.target.identity import what_decides
from profiler.triton.config import ServingSettings, model_config

IMAGE, ANSWER = Tensor("input", (1, 8, 8)), Tensor("output", (3,))


def test_onnxruntime_gets_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(ort, "get_available_providers", lambda: names)
    device = {"device_id": "2"}
    wanted = list(zip(names, (device, device, {}), strict=True))
    assert session_providers(("tensorrt", "cuda", "cpu"), threads=1, gpu=2) == wanted


def test_torch_gets_the_number_where_the_gpu_exists() -> None:
    torch = ModuleType("torch")
    torch.cuda = SimpleNamespace(is_available=lambda: True, device_count=lambda: 2)  # type: ignore[attr-defined]
    assert (usable_device(torch, "cuda", 1), usable_device(torch, "cpu", 1)) == ("cuda:1", "cpu")
    with pytest.raises(BadInputError, match="gpu=2: torch finds 2 GPUs here, numbered from 0"):
        usable_device(torch, "cuda", 2)


def test_triton_places_the_instances_on_it_and_none_without_a_gpu() -> None:
    on_gpu, on_cpu = (
        model_config(IMAGE, ANSWER, ServingSettings(1, 1, 16, providers, gpu=2)).instance_group[0].gpus
        for providers in (("cuda",), ("cpu",))
    )
    assert (list(on_gpu), list(on_cpu)) == ([2], [])


def test_the_number_decides_figures_only_where_a_gpu_computes() -> None:
    assert what_decides(Target(gpu=1)) == what_decides(Target())
    assert what_decides(Target(providers=("cuda",), gpu=1)) != what_decides(Target(providers=("cuda",)))
