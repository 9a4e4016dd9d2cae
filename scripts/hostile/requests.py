"""Hostile requests for a profile."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hostile.door import RAN, Door, Inputs, Put, inside, profiler, request_of
from hostile.files import whole_files
from hostile.onnx_made import good_bytes
from hostile.values import HUGE, RAW, WRONG, Json, named, replaced

# The values by their part of a request.
FIELDS: dict[tuple[str, ...], tuple[str, ...]] = {
    (): ("target_name",),
    ("target",): (
        "runtime", "endpoint", "model", "server_environment", "grpc_port", "cores", "threads", "instances", "providers",
        "load_generator", "memory_bytes", "price",
    ),
    ("settings",): ("level", "budget_s", "first", "latency", "throughput", "memory"),
    ("settings", "latency"): ("batches", "seconds", "input_sizes"),
    ("settings", "throughput"): ("batches", "max_concurrency", "search_seconds", "settle_seconds"),
}  # fmt: skip
VALUES: dict[str, tuple[tuple[str, ...], Json]] = {
    "huge batches": (("settings", "latency", "batches"), [10**9]),
    "10^6 batches": (("settings", "latency", "batches"), list(range(1, 10**6))),
    "a batch of 2^62": (("settings", "throughput", "batches"), [2**62]),
    "sizes that are huge": (("settings", "latency", "input_sizes"), [10**9]),
    "an endpoint elsewhere": (("target",), {"runtime": "v2", "endpoint": "evil.example:8001", "model": "m"}),
    "a Triton elsewhere": (("target",), {"runtime": "triton", "endpoint": "evil.example:8001"}),
    "an endpoint of the project": (("target",), {"runtime": "v2", "endpoint": "unix:/tmp/x", "model": "m"}),
    "perf_analyzer": (("target",), {"runtime": "triton", "load_generator": "perf_analyzer"}),
    "torch": (("target",), {"runtime": "torch"}),
    "10^5 providers": (("target", "providers"), ["cpu"] * 100_000),
}


def good_request(case: Path) -> str:
    return json.dumps(request_of(case))


def laid_request(case: Path, text: str) -> None:
    inside(case, "request.json").write_text(text)
    inside(case, "model.onnx").write_bytes(good_bytes())


def altered(path: Sequence[Any], new: Json, raw: str = "") -> Put:
    """The good request with another value in a place; `raw` is a text that no writer of JSON makes."""

    def put(case: Path) -> None:
        text = json.dumps(replaced(request_of(case), tuple(path), "RAW" if raw else new))
        laid_request(case, text.replace('"RAW"', raw) if raw else text)

    return put


def own_server(case: Path) -> None:
    """A program in the place of a Triton."""
    binary = inside(
        case, "env", "lib", "python3.11", "site-packages", "pytriton", "tritonserver", "bin", "tritonserver"
    )
    binary.write_text(f"#!/bin/sh\ntouch {case}/canary/{RAN}\n")
    binary.chmod(0o755)
    target = {"runtime": "triton", "server_environment": str(case / "in" / "env")}
    laid_request(case, json.dumps(replaced(request_of(case), ("target",), target)))


def with_model(put: Put) -> Put:
    return lambda case: (inside(case, "model.onnx").write_bytes(good_bytes()), put(case))


def inputs() -> Inputs:
    for name, put in whole_files(good_request, "request.json").items():
        yield name, with_model(put)
    chance = random.Random(20)
    for path in ((*part, name) for part, names in FIELDS.items() for name in names):
        for new in (*chance.sample(HUGE, 3), *chance.sample(WRONG, 2)):
            yield f"{named(path)} = {str(new)[:24]!r}", altered(path, new)
    for raw in RAW:
        yield f"budget_s = {raw[:12]}", altered(("settings", "budget_s"), None, raw)
    for name, (path, new) in VALUES.items():
        yield name, altered(path, new)
    yield "a server of its own", own_server


door = Door(
    "request.json",
    lambda case: laid_request(case, good_request(case)),
    {"profiler": profiler("in/model.onnx", "in/request.json")},
    parts=("box",),
)
door.add_all(inputs())
