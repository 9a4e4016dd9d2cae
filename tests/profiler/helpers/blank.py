"""Records with nothing in them, for tests that fill in what they speak of."""

from datetime import UTC, datetime

from profiler.common.profile_settings import LevelSettings
from profiler.common.target import Target
from profiler.records.base import Noise, NormalRate
from profiler.records.complexity import Complexity, Fingerprint
from profiler.records.profile import Profile
from profiler.system.noise import NoiseMeter

NOT_MEASURED = dict.fromkeys(
    (
        "screen_with",
        "latency",
        "layers",
        "throughput",
        "warm_up",
        "memory",
        "sizes",
        "scaling",
        "dynamic_batching",
        "capacity",
        "contention",
        "repeats",
        "visits",
    )
)


def blank_level(**parts: object) -> LevelSettings:
    """A quick level that measures these parts only, and keeps what a busy machine disturbs."""
    usual = {"level": "quick", "budget_s": 20, "disturbed": "keep"}
    return LevelSettings.model_validate(usual | NOT_MEASURED | parts)


def blank_profile() -> Profile:
    """A profile of nothing on this process."""
    fingerprint = Fingerprint(
        cpu_model="a processor",
        cpu_cores=2,
        memory_bytes=1 << 30,
        gpu_models=[],
        system="Linux",
        runtime="onnxruntime",
        runtime_version="1",
        backend_kind="in-process",
        onnxruntime_version="1",
        cores=1,
        threads=1,
        instances=1,
        providers=["cpu"],
    )
    return Profile(
        key="0" * 64,
        level="quick",
        target_name="here",
        target=Target(runtime="onnxruntime"),
        fingerprint=fingerprint,
        onnx_sha256="0" * 64,
        complexity=Complexity(parameters=1, macs=1, flops=2, file_bytes=1),
        layers=(),
        reference=normal_rate(1.0),
        served_reference=None,
        reasons={"served_reference": "nothing is served"},
        measured_at=datetime.now(UTC),
        seconds=0.0,
    )


def normal_rate(per_s: float) -> NormalRate:
    """What is known of a reference after one reading."""
    return NormalRate(per_s=per_s, readings=1, standard_error_share=0.0, drift_sd_share=0.0)


def noise() -> Noise:
    """What the machine does now."""
    return NoiseMeter().read(reference_per_s=1.0)
