"""What one NVIDIA GPU was doing at one moment, as its driver tells it."""

from pydantic import Field

from profiler.records.base import Record


class GpuState(Record):
    """One GPU; `framebuffer` is its own memory, `bar1` the window through which the host reaches it.

    `gpu_busy_share` is the share of the driver's last sample period in which a kernel ran,
    `memory_busy_share` that in which memory was read or written. `energy_j` counts since the driver
    was loaded. The reasons for a lowered clock are the bits `nvmlClocksEventReasons*` of NVML
    (docs.nvidia.com/deploy/nvml-api), each unknown where the GPU does not support it.
    """

    index: int
    framebuffer_total_bytes: int | None
    framebuffer_used_bytes: int | None
    framebuffer_free_bytes: int | None
    bar1_total_bytes: int | None
    bar1_used_bytes: int | None
    bar1_free_bytes: int | None
    gpu_busy_share: float | None = Field(ge=0, le=1)
    memory_busy_share: float | None = Field(ge=0, le=1)
    temperature_c: int | None
    power_w: float | None
    energy_j: float | None
    sm_clock_mhz: int | None
    memory_clock_mhz: int | None
    throttled_gpu_idle: bool | None
    throttled_applications_clocks_setting: bool | None
    throttled_sw_power_cap: bool | None
    throttled_hw_slowdown: bool | None
    throttled_sync_boost: bool | None
    throttled_sw_thermal_slowdown: bool | None
    throttled_hw_thermal_slowdown: bool | None
    throttled_hw_power_brake_slowdown: bool | None
    throttled_display_clock_setting: bool | None
