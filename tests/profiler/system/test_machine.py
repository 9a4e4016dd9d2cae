import os
import threading
import time
from pathlib import Path

import psutil
import pynvml
import pytest
from recorded_nvml import record

from profiler.common.errors import BadInputError
from profiler.system import noise
from profiler.system.control_groups import Quota
from profiler.system.machine import cpu_model, gpu_models, split_cores
from profiler.system.noise import NoiseMeter


def test_the_processor_has_a_name() -> None:
    assert cpu_model()


def test_gpus_are_named_by_their_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    library = record(monkeypatch, nvmlDeviceGetName=b"NVIDIA A100-SXM4-40GB")
    assert gpu_models() == ["NVIDIA A100-SXM4-40GB"]
    assert library.open == 0


def test_without_a_driver_there_are_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    record(monkeypatch, refused={"nvmlInitWithFlags": pynvml.NVML_ERROR_DRIVER_NOT_LOADED})
    assert gpu_models() == []


def test_server_and_load_generator_get_different_cores_where_there_are_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 3, 5})
    assert split_cores(1) == ([5], [2, 3])
    assert split_cores(3) == ([2, 3, 5], [2, 3, 5])
    with pytest.raises(BadInputError, match=r"cores=4 .* 3"):
        split_cores(4)


def wake_often(stop: threading.Event) -> None:
    while not stop.is_set():
        time.sleep(0.0001)


def test_context_switches_of_other_threads_are_noise() -> None:
    def switches_per_s() -> float:
        meter = NoiseMeter()
        time.sleep(0.2)
        return meter.read(None).switches_per_s

    stop = threading.Event()
    quiet = min(switches_per_s() for _ in range(3))
    thread = threading.Thread(target=wake_often, args=(stop,))
    thread.start()
    loud = max(switches_per_s() for _ in range(3))
    stop.set()
    thread.join()
    assert loud > quiet + 500


def test_what_the_machine_does_not_tell_has_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "own_quota", lambda: None)
    monkeypatch.setattr(psutil, "cpu_freq", lambda: None)
    read = NoiseMeter().read(reference_per_s=12.5)
    assert read.reference_per_s == 12.5
    assert set(read.reasons) - {"steal_share"} == {"cpu_mhz", "cgroup_cores", "throttled_share", "others_share"}


def test_throttling_is_the_share_of_periods_that_hit_the_quota(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stat = tmp_path / "cpu.stat"
    stat.write_text("nr_periods 100\nnr_throttled 50\n")
    monkeypatch.setattr(noise, "own_quota", lambda: Quota(1.5, tmp_path))
    meter = NoiseMeter()
    stat.write_text("nr_periods 120\nnr_throttled 55\n")
    read = meter.read(None)
    assert (read.cgroup_cores, read.throttled_share) == (1.5, 0.25)
