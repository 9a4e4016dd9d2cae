"""A recorded GPU behind the real pynvml: stands where `libnvidia-ml.so.1` does, and writes into pynvml's structures."""

from collections.abc import Callable
from typing import Any

import pynvml
import pytest

MIB = 2**20
ANSWERS: dict[str, Any] = {
    "nvmlInitWithFlags": None,
    "nvmlShutdown": None,
    "nvmlDeviceGetCount_v2": 1,
    "nvmlDeviceGetHandleByIndex_v2": None,
    "nvmlDeviceGetMemoryInfo": {"total": 40960 * MIB, "used": 1536 * MIB, "free": 39424 * MIB},
    "nvmlDeviceGetBAR1MemoryInfo": {"bar1Total": 65536 * MIB, "bar1Used": 2 * MIB, "bar1Free": 65534 * MIB},
    "nvmlDeviceGetUtilizationRates": {"gpu": 87, "memory": 42},
    "nvmlDeviceGetTemperature": 56,
    "nvmlDeviceGetPowerUsage": 248_500,
    "nvmlDeviceGetTotalEnergyConsumption": 9_000_000,
    "nvmlDeviceGetClockInfo": 1410,
    "nvmlDeviceGetSupportedClocksEventReasons": 0xFF,
    "nvmlDeviceGetCurrentClocksEventReasons": 0x04,
}


class RecordedNvml:
    """Answers each C function as recorded, or refuses it with an error code; one not recorded does not exist."""

    def __init__(self, answers: dict[str, Any], refused: dict[str, int]) -> None:
        self.answers, self.refused = answers, refused
        self.open = 0

    def __getattr__(self, name: str) -> Callable[..., int]:
        if name not in self.answers:
            raise AttributeError(name)
        return lambda *arguments: self.call(name, arguments)

    def call(self, name: str, arguments: tuple[Any, ...]) -> int:
        if name in self.refused:
            return self.refused[name]
        self.open += {"nvmlInitWithFlags": 1, "nvmlShutdown": -1}.get(name, 0)
        answer = self.answers[name]
        if isinstance(answer, dict):
            for field, value in answer.items():
                setattr(arguments[-1]._obj, field, value)
        elif isinstance(answer, bytes):
            arguments[1].value = answer
        elif answer is not None:
            arguments[-1]._obj.value = answer
        return int(pynvml.NVML_SUCCESS)


def record(monkeypatch: pytest.MonkeyPatch, refused: dict[str, int] | None = None, **answers: Any) -> RecordedNvml:
    """Puts the recording in the driver's place; the answers given here replace those above."""
    library = RecordedNvml({**ANSWERS, **answers}, refused or {})
    monkeypatch.setattr(pynvml, "nvmlLib", library)
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    return library
