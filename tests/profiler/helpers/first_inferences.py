"""First inferences made up by a known rule, to see whether the rule is found again."""

from collections.abc import Callable, Iterable

import numpy as np

from profiler.system.monitor.system_state import CpuState, MemoryState, ProcessState, SystemState
from profiler.warm_up.observations import NetworkSize, WarmUpObservation

MIB = 2**20
BATCHES = (1, 2, 4, 8, 16, 32)
LINUX = dict.fromkeys(("lib_bytes", "dirty_bytes"), "Linux no longer counts it")
BARE = dict.fromkeys(("disk", "network", "gpus", "allocator"), "made up without it")


def state(rss_mib: float = 400, involuntary: int = 2) -> SystemState:
    """A process that holds a network, on a machine with memory to spare."""
    process = ProcessState(
        pids=[1],
        cpu_s=0.1,
        voluntary_switches=1,
        involuntary_switches=involuntary,
        main_thread_voluntary_switches=1,
        main_thread_involuntary_switches=involuntary,
        rss_bytes=int(rss_mib * MIB),
        vms_bytes=3000 * MIB,
        shared_bytes=30 * MIB,
        text_bytes=MIB,
        data_bytes=int((rss_mib + 400) * MIB),
        lib_bytes=None,
        dirty_bytes=None,
        reasons=LINUX,
    )
    memory = MemoryState(
        total_bytes=16_000 * MIB, available_bytes=12_000 * MIB, used_bytes=4_000 * MIB, used_share=0.25
    )
    cpu = CpuState(
        switches=1, interrupts=1, soft_interrupts=1, load_1min_per_core=0.1, load_5min_per_core=0.1,
        load_15min_per_core=0.1,
    )  # fmt: skip
    return SystemState(
        at_s=1.0, cpu=cpu, memory=memory, process=process, disk=None, network=None, gpus=None, allocator=None,
        reasons=BARE,
    )  # fmt: skip


def size(width: int, layers: int) -> NetworkSize:
    """Convolutions of one width on 16×16."""
    parameters = 9 * width**2 * layers
    return NetworkSize(
        parameters=parameters,
        macs=parameters * 256,
        file_bytes=4 * parameters + 50_000,
        layers=layers,
        activation_bytes=4 * 256 * width * layers,
    )


def observation(variant: str, network: NetworkSize, batch: int, first_ms: float, **others: object) -> WarmUpObservation:
    """One that is complete; `others` replace what all have in common."""
    common = {
        "sha256": variant,
        "machine": "a box",
        "torch_version": "2.14",
        "device": "cpu",
        "threads": 1,
        "repeat": 0,
        "state": state(400 + network.file_bytes / MIB),
        "warm_ms": 1.0,
        "reference_per_s": 10_000.0,
    }
    return WarmUpObservation(
        variant=variant,
        size=network,
        batch=batch,
        first_ms=first_ms,
        **{**common, **others},  # type: ignore[arg-type]
    )


def rule_ms(network: NetworkSize, batch: int) -> float:
    """A constant, a part for each layer, a part for the work."""
    return 20 + 1.5 * network.layers + 3e-8 * batch * network.macs


def family(
    variants: int = 24, rule: Callable[[NetworkSize, int], float] = rule_ms, noise: float = 0.01
) -> Iterable[WarmUpObservation]:
    """Every variant at every batch; `noise` is the standard deviation of the time's logarithm."""
    generator = np.random.default_rng(0)
    for index in range(variants):
        network = size(width=8 + 2 * (index // 3), layers=(10, 20, 40)[index % 3])
        for batch in BATCHES:
            first_ms = rule(network, batch) * float(np.exp(noise * generator.standard_normal()))
            before = state(400 + network.file_bytes / MIB, involuntary=int(generator.integers(20)))
            yield observation(f"variant-{index:02}", network, batch, first_ms, state=before)
