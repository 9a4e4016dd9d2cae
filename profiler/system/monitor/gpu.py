"""What a GPU was doing, as NVML tells it: docs.nvidia.com/deploy/nvml-api, group Device Queries."""

from collections.abc import Callable
from typing import Any

import pynvml

from profiler.records.gpu_state import GpuState
from profiler.system.missing_values import unknown

Answers = tuple[float | bool | None, ...]
CLOCK_REASONS = {
    "throttled_gpu_idle": pynvml.nvmlClocksEventReasonGpuIdle,
    "throttled_applications_clocks_setting": pynvml.nvmlClocksEventReasonApplicationsClocksSetting,
    "throttled_sw_power_cap": pynvml.nvmlClocksEventReasonSwPowerCap,
    "throttled_hw_slowdown": pynvml.nvmlClocksEventReasonHwSlowdown,
    "throttled_sync_boost": pynvml.nvmlClocksEventReasonSyncBoost,
    "throttled_sw_thermal_slowdown": pynvml.nvmlClocksEventReasonSwThermalSlowdown,
    "throttled_hw_thermal_slowdown": pynvml.nvmlClocksEventReasonHwThermalSlowdown,
    "throttled_hw_power_brake_slowdown": pynvml.nvmlClocksEventReasonHwPowerBrakeSlowdown,
    "throttled_display_clock_setting": pynvml.nvmlClocksEventReasonDisplayClockSetting,
}


def framebuffer(gpu: Any) -> Answers:
    memory = pynvml.nvmlDeviceGetMemoryInfo(gpu)
    return memory.total, memory.used, memory.free


def bar1(gpu: Any) -> Answers:
    memory = pynvml.nvmlDeviceGetBAR1MemoryInfo(gpu)
    return memory.bar1Total, memory.bar1Used, memory.bar1Free


def busy(gpu: Any) -> Answers:
    percent = pynvml.nvmlDeviceGetUtilizationRates(gpu)
    return percent.gpu / 100, percent.memory / 100


def clock_reasons(gpu: Any) -> Answers:
    """Which of the reasons hold; `None` for one that this GPU does not support."""
    supported = pynvml.nvmlDeviceGetSupportedClocksEventReasons(gpu)
    current = pynvml.nvmlDeviceGetCurrentClocksEventReasons(gpu)
    return tuple(bool(current & bit) if supported & bit else None for bit in CLOCK_REASONS.values())


QUERIES: dict[tuple[str, ...], Callable[[Any], Answers]] = {
    ("framebuffer_total_bytes", "framebuffer_used_bytes", "framebuffer_free_bytes"): framebuffer,
    ("bar1_total_bytes", "bar1_used_bytes", "bar1_free_bytes"): bar1,
    ("gpu_busy_share", "memory_busy_share"): busy,
    ("temperature_c",): lambda gpu: (pynvml.nvmlDeviceGetTemperature(gpu, pynvml.NVML_TEMPERATURE_GPU),),
    ("power_w",): lambda gpu: (pynvml.nvmlDeviceGetPowerUsage(gpu) / 1e3,),
    ("energy_j",): lambda gpu: (pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu) / 1e3,),
    ("sm_clock_mhz",): lambda gpu: (pynvml.nvmlDeviceGetClockInfo(gpu, pynvml.NVML_CLOCK_SM),),
    ("memory_clock_mhz",): lambda gpu: (pynvml.nvmlDeviceGetClockInfo(gpu, pynvml.NVML_CLOCK_MEM),),
    tuple(CLOCK_REASONS): clock_reasons,
}


def gpu_state(index: int, gpu: Any) -> GpuState:
    """Everything that the driver tells of one GPU, given by its NVML handle; what it refuses is unknown."""
    values: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for names, query in QUERIES.items():
        try:
            answers = dict(zip(names, query(gpu), strict=True))
            reasons |= unknown(answers, "this GPU does not support it")
        except pynvml.NVMLError as error:
            answers = dict.fromkeys(names)
            reasons |= unknown(answers, f"NVML: {error}")
        values |= answers
    return GpuState(index=index, reasons=reasons, **values)
