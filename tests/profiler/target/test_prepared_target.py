"""A target made ready: what it measures, what decides its key, and who is refused."""

import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from blank import blank_level
from narrowing import known
from servers.short_lived import short_lived_triton
from survival import level, profiled

from profiler.common.errors import BadInputError, UnavailableError
from profiler.common.target import Price, Runtime, Target
from profiler.profiling import profile_file
from profiler.target.identity import profile_key
from profiler.target.prepared_target import prepared_target
from profiler.triton.installation import find_triton

SMALL = blank_level(
    latency={"batches": [1, 4], "seconds": 0.02, "input_sizes": []},
    throughput={
        "batches": [4],
        "max_concurrency": 2,
        "search_seconds": 0.02,
        "settle_seconds": 0.02,
    },
    warm_up={"loads": 1, "batches": [1], "curve_inferences": 30, "switch_seconds": None},
)


@pytest.mark.integration
@pytest.mark.parametrize("runtime", ["triton", "onnxruntime"])
def test_a_level_measures_every_part_that_it_names(network: Path, runtime: Runtime) -> None:
    samples: dict[str, np.ndarray] = {}
    with prepared_target("here", Target(runtime=runtime)) as ready:
        profile = profile_file(ready, network, SMALL, None, lambda _, raw: samples.update(raw), lambda _: None)
    assert profile.covers(SMALL)
    assert profile.fingerprint.backend_kind == (
        "in-process" if runtime == "onnxruntime" else find_triton().backend_kind
    )
    alone = [point for point in profile.latency if point.runtime == "onnxruntime" and point.concurrency == 1]
    assert {point.batch for point in alone} == {1, 4}
    macs = sum(known(layer.macs) for layer in profile.layers)
    assert profile.complexity.macs == macs == 4 * 9 * 64 + 12
    assert {point.runtime for point in profile.load_time} == {runtime}
    best = known(profile.best_throughput())
    raw = f"max_throughput_batch_4_concurrency_{best.concurrency}_cores_1_x1"
    counting = samples[f"{raw}_counting"]
    counted, seconds = (samples[f"{raw}_{name}"] for name in ("counted", "seconds"))
    assert best.slices == len(counting)
    assert len(counted) >= 6
    assert best.images_per_s == pytest.approx(counted[counting].sum() / seconds[counting].sum())
    assert known(best.low_images_per_s) <= best.images_per_s <= known(best.high_images_per_s)
    assert best.verdict_reason
    assert (best.server_answers is None) == (runtime == "onnxruntime")


@pytest.mark.integration
def test_an_endpoint_of_the_user_is_measured_and_left_running(network: Path) -> None:
    with short_lived_triton() as server:
        with prepared_target("theirs", Target(endpoint=server.endpoint)) as ready:
            profile = profiled(ready, network, level(4))
        assert server.process.poll() is None
    assert profile.fingerprint.backend_kind == "unknown"
    assert profile.fingerprint.onnxruntime_version is None
    best = known(profile.best_throughput())
    assert best.server_answers == best.answers
    assert best.server_cores_used is None
    assert best.reasons["server_cores_used"]


def test_two_profilers_do_not_measure_at_once() -> None:
    with prepared_target("here", Target(runtime="onnxruntime")):
        with (
            pytest.raises(BadInputError, match="in use by process"),
            prepared_target("here", Target(runtime="onnxruntime")),
        ):
            pass


def test_the_key_follows_what_decides_and_no_path_port_or_price(tmp_path: Path) -> None:
    plain = profile_key("0" * 64, Target())
    assert profile_key("0" * 64, Target(grpc_port=9000)) == plain
    assert profile_key("1" * 64, Target()) != plain
    assert profile_key("0" * 64, Target(threads=2)) != plain
    assert profile_key("0" * 64, Target(price=Price(currency="EUR", as_of=date(2026, 1, 1), per_hour=1.0))) == plain
    environment_elsewhere = tmp_path / "env"
    environment_elsewhere.symlink_to(Path(sys.prefix).parent / ".venv-triton")
    assert profile_key("0" * 64, Target(server_environment=environment_elsewhere)) == plain


def test_the_key_follows_the_program_where_torch_serves_it() -> None:
    torch_target = Target(runtime="torch")
    one, other = (profile_key("0" * 64, torch_target, digit * 64) for digit in "12")
    assert one != other
    assert profile_key("0" * 64, Target(), "1" * 64) == profile_key("0" * 64, Target())


def test_a_program_that_is_not_there_is_named_with_the_fix(network: Path) -> None:
    with prepared_target("here", Target(runtime="torch")) as ready:
        with pytest.raises(UnavailableError, match=r"model\.pt does not exist.*put .* of stage=export there"):
            profile_file(ready, network, SMALL, None, lambda *_: None, lambda _: None)
