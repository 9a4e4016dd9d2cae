"""A request that somebody else wrote: it names no path, no server of this machine, and nothing without a bound."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blank import blank_level
from pydantic import ValidationError

from profiler.command import Request, changed, read_request, run
from profiler.common.errors import BadInputError
from profiler.common.target import Target

LEVEL = blank_level(
    latency={"batches": [1], "seconds": 0.1, "input_sizes": []},
    throughput={
        "batches": [1], "max_concurrency": 1, "search_seconds": 0.1, "settle_seconds": 0.1,
    },
    warm_up={"loads": 1, "batches": [1], "curve_inferences": 30, "switch_seconds": None},
    scaling={"cores": [1], "instances": [1], "batches": [1], "latency_seconds": 0.1, "settle_seconds": 0.1},
    repeats={"repeats": 2, "seconds": 0.1},
)  # fmt: skip


def written(folder: Path, *places: str, value: Any) -> Path:
    """A request in which one value is another."""
    tree = json.loads(Request(target_name="here", target=Target(), settings=LEVEL).model_dump_json())
    place = tree
    for name in places[:-1]:
        place = place[name]
    place[places[-1]] = value
    path = folder / "request.json"
    path.write_text(json.dumps(tree))
    return path


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(BadInputError) as caught:
        work()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_request_does_not_choose_the_server_that_is_started(tmp_path: Path) -> None:
    path = written(tmp_path, "target", "server_environment", value=str(tmp_path))
    assert "target.server_environment: it is a path of one machine" in refusal(lambda: read_request(path))


def test_no_path_of_this_machine_gets_into_a_record(tmp_path: Path) -> None:
    target = Target(server_environment=tmp_path)
    assert str(tmp_path) not in Request(target_name="here", target=target, settings=LEVEL).model_dump_json()


def test_the_options_of_the_command_replace_settings_of_the_level(tmp_path: Path) -> None:
    request = read_request(written(tmp_path, "target_name", value="here"))
    found = changed(request, ["profile.budget_s=60", "profile.latency.batches=[1,2]"]).settings
    assert found.latency is not None
    assert (found.budget_s, found.latency.batches) == (60.0, [1, 2])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("budget_s=60", "unknown setting 'budget_s': choices are profile.level, profile.budget_s"),
        ("profile.nothing=1", "unknown setting 'profile.nothing'"),
        ("profile.budget_s.more=1", "unknown setting 'profile.budget_s.more'"),
        ("profile.budget_s=long", "'long' is no value"),
        ("profile.budget_s=-1", "Input should be greater than 0, not -1"),
    ],
)
def test_an_option_that_sets_nothing_is_refused(tmp_path: Path, text: str, words: str) -> None:
    request = read_request(written(tmp_path, "target_name", value="here"))
    assert words in refusal(lambda: changed(request, [text]))


@pytest.mark.parametrize("agreed", [None, "127.0.0.1:8002"])
def test_a_running_server_is_touched_only_where_its_owner_agrees(tmp_path: Path, agreed: str | None) -> None:
    path = written(tmp_path, "target", "endpoint", value="127.0.0.1:8001")
    message = refusal(lambda: run(tmp_path / "model.onnx", path, tmp_path / "profile.json", agreed))
    assert "agree to that with --endpoint 127.0.0.1:8001" in message


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "a\n", "x\x1b[2J", "", "a" * 64])
def test_a_target_s_name_can_be_a_file_s(tmp_path: Path, name: str) -> None:
    assert "target_name" in refusal(lambda: read_request(written(tmp_path, "target_name", value=name)))


@pytest.mark.parametrize(
    ("places", "value", "says"),
    [
        (("target", "instances"), 10**9, "256"),
        (("target", "instances"), 17, "at most 16"),
        (("target", "threads"), 10**9, "at most 16"),
        (("target", "cores"), 10**9, "4096"),
        (("target", "memory_bytes"), 1 << 70, str(1 << 60)),
        (("target", "model"), "a/../b", "pattern"),
        (("target", "endpoint"), "unix:/run/x", "pattern"),
        (("settings", "budget_s"), 1e308, "86400"),
        (("settings", "latency", "seconds"), 1e6, "3600"),
        (("settings", "latency", "input_sizes"), [10**6], "8192"),
        (("settings", "latency", "input_sizes"), [8] * 1000, "100"),
        (("settings", "throughput", "max_concurrency"), 10**9, "1024"),
        (("settings", "warm_up", "loads"), 10**9, "1000"),
        (("settings", "warm_up", "curve_inferences"), 10**9, "100000"),
        (("settings", "scaling", "instances"), [10**9], "256"),
        (("settings", "scaling", "cores"), [1e9], "4096"),
        (("settings", "repeats", "repeats"), 10**9, "1000"),
    ],
)
def test_what_takes_all_of_a_machine_is_refused_with_the_bound(
    tmp_path: Path, places: tuple[str, ...], value: Any, says: str
) -> None:
    message = refusal(lambda: read_request(written(tmp_path, *places, value=value)))
    assert ".".join(places[:2]) in message or places[0] in message
    assert says in message


@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "large", "binary", "missing", "deep"])
def test_a_file_that_is_no_request_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "request.json"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind in ("large", "binary"):
        path.write_bytes(bytes(3) if kind == "binary" else b"[" * (2 << 20))
    elif kind == "deep":
        path.write_bytes(b"[" * (1 << 20))
    assert "write one with 'dnn-porting request'" in refusal(lambda: read_request(path))


@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "missing", "sparse"])
def test_a_model_that_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path, request = tmp_path / "model.onnx", tmp_path / "request.json"
    target = Target(runtime="onnxruntime")
    request.write_text(Request(target_name="here", target=target, settings=LEVEL).model_dump_json())
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "sparse":
        path.touch()
        os.truncate(path, 1 << 40)
    assert "model.onnx" in refusal(lambda: run(path, request, tmp_path / "profile.json"))


def test_a_path_may_stand_in_a_config_and_not_in_json(tmp_path: Path) -> None:
    assert Target(server_environment=tmp_path).server_environment == tmp_path
    with pytest.raises(ValidationError, match="leave it out"):
        Target.model_validate_json(json.dumps({"server_environment": str(tmp_path)}))
