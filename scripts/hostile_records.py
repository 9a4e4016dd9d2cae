"""Hostile requests, profiles, traces, records of a workspace, and an MLflow database."""

import io
import json
import os
import random
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hostile_door import IN_PROCESS, RAN, UNTRACKED, Door, Put, content, fitting, inside, profiler, request_of, words
from hostile_onnx import DIRTY, good_bytes
from watched_commands import Command

Json = Any
HUGE = (2**31, 10**9, 10**15, 10**40, -1, 0, 1e308, 5e-324)
RAW = ("NaN", "Infinity", "-Infinity", "1e400", "9" * 1_000_000)
# In the place of any value.
WRONG: tuple[Json, ...] = (
    None,
    True,
    "",
    "text",
    [],
    {},
    [[[]]],
    {"_target_": "os.system", "command": f"touch {RAN}"},
    "\x1b[31m",
    "../../../x",
    "a\u202eb",
    "x" * 1_000_000,
)


def places(value: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a JSON value."""
    children = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def replaced(value: Json, path: tuple[Any, ...], new: Json) -> Json:
    """A copy with something else in that place."""
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return copy


def named(path: Sequence[Any]) -> str:
    return ".".join(map(str, path))


def whole_files(good: Callable[[Path], str], *parts: str) -> dict[str, Put]:
    """What can be wrong with any text of JSON, whatever it says."""

    def altered(change: Callable[[str], str | bytes]) -> Put:
        def put(case: Path) -> None:
            data = change(good(case))
            inside(case, *parts).write_bytes(data.encode() if isinstance(data, str) else data)

        return put

    texts: dict[str, Callable[[str], str | bytes]] = {
        "empty": lambda _: "",
        "null": lambda _: "null",
        "a list": lambda _: "[]",
        "a number": lambda _: "7",
        "deep": lambda _: "[" * 1_000_000,
        "deep in a field": lambda text: text.replace("{", '{"x":' + "[" * 100_000, 1),
        "BOM": lambda text: b"\xef\xbb\xbf" + text.encode(),
        "UTF-16": lambda text: text.encode("utf-16"),
        "UTF-32": lambda text: text.encode("utf-32"),
        "no UTF-8": lambda text: text.encode() + b"\xff\xfe",
        "NUL": lambda text: text + "\0",
        "twice": lambda text: text * 2,
        "a surrogate": lambda text: text.replace('"', '"\\ud800', 1),
        "a field more": lambda text: text.replace("{", '{"more": 1,', 1),
        "ANSI field": lambda text: text.replace("{", '{"\\u001b[31m": 1,', 1),
        "RTL field": lambda text: text.replace("{", '{"a\u202eb": 1,', 1),
        "markup field": lambda text: text.replace("{", '{"[/x]": 1,', 1),
        "half": lambda text: text[: len(text) // 2],
        "10^6 fields": lambda text: text.replace("{", "{" + '"f":1,' * 10**6, 1),
        "300 MB of blanks": lambda text: text + " " * 300_000_000,
    }
    found = {name: altered(change) for name, change in texts.items()}
    return found | special_files(*parts)


def special_files(*parts: str) -> dict[str, Put]:
    """What is no plain file."""

    def sparse(case: Path) -> None:
        with inside(case, *parts).open("wb") as file:
            file.truncate(1 << 40)

    return {
        "FIFO": lambda case: os.mkfifo(inside(case, *parts)),
        "a folder": lambda case: inside(case, *parts).mkdir(),
        "a link to /dev/zero": lambda case: inside(case, *parts).symlink_to("/dev/zero"),
        "a link to itself": lambda case: inside(case, *parts).symlink_to(parts[-1]),
        "a link to nothing": lambda case: inside(case, *parts).symlink_to("nowhere"),
        "a link to /proc/self/mem": lambda case: inside(case, *parts).symlink_to("/proc/self/mem"),
        "a link to a secret": lambda case: inside(case, *parts).symlink_to("/etc/passwd"),
        "1 TB of zeros": sparse,
    }


def good_request(case: Path) -> str:
    return json.dumps(request_of(case))


def laid_request(case: Path, text: str) -> None:
    inside(case, "request.json").write_text(text)
    inside(case, "model.onnx").write_bytes(good_bytes())


requests = Door(
    "request.json",
    lambda case: laid_request(case, good_request(case)),
    {"profiler": profiler("in/model.onnx", "in/request.json")},
    parts=("box",),
)


def add_requests() -> None:
    def with_model(put: Put) -> Put:
        return lambda case: (inside(case, "model.onnx").write_bytes(good_bytes()), put(case))

    for name, put in whole_files(good_request, "request.json").items():
        requests.add(name, with_model(put))
    fields = [
        ("target_name",),
        *(
            ("target", name)
            for name in (
                "runtime",
                "endpoint",
                "model",
                "server_environment",
                "grpc_port",
                "cores",
                "threads",
                "instances",
                "providers",
                "load_generator",
                "memory_bytes",
                "price",
            )
        ),
        *(("settings", name) for name in ("level", "budget_s", "first", "latency", "throughput", "memory")),
        *(("settings", "latency", name) for name in ("batches", "seconds", "input_sizes")),
        *(
            ("settings", "throughput", name)
            for name in ("batches", "max_concurrency", "search_seconds", "settle_seconds")
        ),
    ]
    chance = random.Random(20)
    for path in fields:
        for new in (*chance.sample(HUGE, 3), *chance.sample(WRONG, 2)):

            def put(case: Path, path: tuple[Any, ...] = path, new: Json = new) -> None:
                laid_request(case, json.dumps(replaced(request_of(case), path, new)))

            requests.add(f"{named(path)} = {str(new)[:24]!r}", put)
    for raw in RAW:
        requests.add(
            f"budget_s = {raw[:12]}",
            lambda case, raw=raw: laid_request(
                case, json.dumps(replaced(request_of(case), ("settings", "budget_s"), "RAW")).replace('"RAW"', raw)
            ),
        )
    lists: dict[str, tuple[tuple[str, ...], Json]] = {
        "huge batches": (("settings", "latency", "batches"), [10**9]),
        "10^6 batches": (("settings", "latency", "batches"), list(range(1, 10**6))),
        "a batch of 2^62": (("settings", "throughput", "batches"), [2**62]),
        "sizes that are huge": (("settings", "latency", "input_sizes"), [10**9]),
        "an endpoint elsewhere": (("target",), {"runtime": "v2", "endpoint": "evil.example:8001", "model": "m"}),
        "a Triton elsewhere": (("target",), {"runtime": "triton", "endpoint": "evil.example:8001"}),
        "an endpoint of ours": (("target",), {"runtime": "v2", "endpoint": "unix:/tmp/x", "model": "m"}),
        "perf_analyzer": (("target",), {"runtime": "triton", "load_generator": "perf_analyzer"}),
        "torch": (("target",), {"runtime": "torch"}),
        "10^5 providers": (("target", "providers"), ["cpu"] * 100_000),
    }
    for name, (path, new) in lists.items():
        requests.add(
            name, lambda case, path=path, new=new: laid_request(case, json.dumps(replaced(request_of(case), path, new)))
        )
    requests.add("a server of its own", own_server)


def own_server(case: Path) -> None:
    """A program in the place where a Triton would lie."""
    binary = inside(
        case, "env", "lib", "python3.11", "site-packages", "pytriton", "tritonserver", "bin", "tritonserver"
    )
    binary.write_text(f"#!/bin/sh\ntouch {case}/canary/{RAN}\n")
    binary.chmod(0o755)
    target = {"runtime": "triton", "server_environment": str(case / "in" / "env")}
    laid_request(case, json.dumps(replaced(request_of(case), ("target",), target)))


profiles = Door(
    "profile",
    lambda case: laid_profile(case, json.loads((case / "box" / "profile.json").read_text())),
    {
        "adopt": words("adopt", "{case}/in/profile.json", "--workspace", "{case}/base"),
        "profiler goes on": profiler("box/model.onnx", output="in/profile.json"),
        "adopt and publish": lambda case: Command(
            ["stage=publish", UNTRACKED, IN_PROCESS, f"workspace={adopted(case) / 'base'}"]
        ),
    },
    parts=("base", "box"),
)


def adopted(case: Path) -> Path:
    """The case after the hostile profile was put where `adopt` would put it."""
    source, name = case / "in" / "profile.json", "local_cpu"
    if source.is_file() and source.stat().st_size < 1 << 28:
        variant = next((case / "base").glob("tasks/*/variants/*-tuned-????????"))
        (variant / "profiles" / f"{name}.json").write_bytes(source.read_bytes())
    return case


def laid_profile(case: Path, profile: Json, samples: bytes | None = None) -> None:
    inside(case, "profile.json").write_text(profile if isinstance(profile, str) else fitting(profile))
    own = (case / "box" / "profile.npz").read_bytes()
    inside(case, "profile.npz").write_bytes(own if samples is None else samples)


def good_profile(case: Path) -> Json:
    return json.loads((case / "box" / "profile.json").read_text())


def add_profiles() -> None:
    for name, put in whole_files(lambda case: fitting(good_profile(case)), "profile.json").items():
        profiles.add(name, put, "adopt", "profiler goes on")
    fields = (
        "schema_version",
        "key",
        "level",
        "target_name",
        "onnx_sha256",
        "seconds",
        "measured_at",
        "missing",
        "parts",
        "latency",
        "throughput",
        "max_throughput",
        "layers",
        "complexity",
        "fingerprint",
        "target",
        "reasons",
        "probe_reference_per_s",
        "latency.0.n",
        "latency.0.mean_ms",
        "latency.0.p50_ms",
        "latency.0.batch",
        "latency.0.input_shape",
        "latency.0.corrected_p50_ms",
        "max_throughput.0.answers",
        "max_throughput.0.images_per_s",
        "max_throughput.0.batch",
        "max_throughput.0.concurrency",
        "max_throughput.0.corrected_images_per_s",
        "complexity.parameters",
        "fingerprint.cpu_model",
        "fingerprint.cpu_cores",
        "target.server_environment",
        "target.endpoint",
    )
    chance = random.Random(21)
    for field in fields:
        path = tuple(int(part) if part.isdigit() else part for part in field.split("."))
        for new in (*chance.sample(HUGE, 2), *chance.sample(WRONG, 2)):

            def put(case: Path, path: tuple[Any, ...] = path, new: Json = new) -> None:
                laid_profile(case, replaced(good_profile(case), path, new))

            profiles.add(f"{field} = {str(new)[:24]!r}", put)
    for raw in RAW:
        profiles.add(
            f"mean_ms = {raw[:12]}",
            lambda case, raw=raw: laid_profile(
                case, json.dumps(replaced(good_profile(case), ("latency", 0, "mean_ms"), "RAW")).replace('"RAW"', raw)
            ),
        )
    for name, text in DIRTY.items():
        profiles.add(
            f"cpu_model: {name}",
            lambda case, text=text: laid_profile(
                case, replaced(good_profile(case), ("fingerprint", "cpu_model"), text[:10_000])
            ),
        )
        profiles.add(
            f"layer's name: {name}",
            lambda case, text=text: laid_profile(
                case, replaced(good_profile(case), ("layers", 0, "name"), text[:10_000])
            ),
        )
    profiles.add(
        "10^5 points",
        lambda case: laid_profile(
            case, replaced(good_profile(case), ("latency",), good_profile(case)["latency"][:1] * 100_000)
        ),
    )
    for name, make in SAMPLES.items():
        profiles.add(f"samples: {name}", lambda case, make=make: laid_profile(case, good_profile(case), make()))
    for name, put in special_files("profile.npz").items():

        def special(case: Path, put: Put = put) -> None:
            laid_profile(case, good_profile(case))
            inside(case, "profile.npz").unlink()
            put(case)

        profiles.add(f"samples: {name}", special, "adopt", "profiler goes on")


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def declared(shape: Sequence[int], kind: str = "<f8", data: bytes = b"") -> bytes:
    """An array's file that says a shape and need not have it."""
    text = repr({"descr": kind, "fortran_order": False, "shape": tuple(shape)}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def bomb() -> bytes:
    buffer = io.BytesIO()
    size = 6 << 30
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.npy", "w", force_zip64=True) as member,
    ):
        member.write(declared([size // 8]))
        piece = bytes(1 << 24)
        for _ in range(size >> 24):
            member.write(piece)
    return buffer.getvalue()


def pickled() -> bytes:
    import pickle

    class Call:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {RAN}",)

    return zipped({"a.npy": declared([1], "|O", pickle.dumps(Call()))})


SAMPLES: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"samples",
    "random": lambda: random.Random(22).randbytes(10_000),
    "an empty archive": lambda: zipped({}),
    "6 GB": bomb,
    "3.6 TiB by its header": lambda: zipped({"a.npy": declared([5 * 10**11])}),
    "negative shape": lambda: zipped({"a.npy": declared([-1])}),
    "2^62": lambda: zipped({"a.npy": declared([2**62])}),
    "pickled": pickled,
    "members that are no arrays": lambda: zipped({"a.npy": b"x", "b": b"y"}),
    "10^5 members": lambda: zipped({f"a{index}.npy": b"" for index in range(100_000)}),
    "traversal": lambda: zipped({"../../../../escape.npy": declared([1], data=bytes(8))}),
    "ANSI": lambda: zipped({"\x1b[31m.npy": declared([1], data=bytes(8))}),
    "header of a program": lambda: zipped(
        {"a.npy": b"\x93NUMPY\x01\x00\x40\x00" + b"__import__('os').system('touch " + RAN.encode() + b"')".ljust(80)}
    ),
    "text arrays": lambda: zipped({"a.npy": declared([1], "<U9", bytes(36))}),
    "one of 10^5 axes": lambda: zipped({"a.npy": declared([1] * 10_000, data=bytes(8))}),
}

traces = Door(
    "trace",
    content("trace.txt", data="".join(f"{5 + index % 7}\n" for index in range(30))),
    {
        "simulate": words(
            "simulate",
            "{case}/base/repository",
            "--trace",
            "{case}/in/trace.txt",
            "--policy",
            "largest",
            "--output",
            "out",
        ),
        "history": words(
            "simulate",
            "{case}/base/repository",
            "--demand-rps",
            "9",
            "--seconds",
            "10",
            "--forecast",
            "learned",
            "--history",
            "{case}/in/trace.txt",
            "--policy",
            "largest",
            "--output",
            "out",
        ),
    },
    parts=("base",),
)


def add_traces() -> None:
    lines: dict[str, str | bytes] = {
        "empty": "",
        "blank lines": "\n" * 1000,
        "negative": "-1\n",
        "fractions": "1.5\n",
        "exponents": "1e3\n",
        "NaN": "nan\n",
        "infinite": "inf\n",
        "huge": f"{10**18}\n" * 3,
        "10^9 requests": "1000000000\n" * 10,
        "10^40": f"{10**40}\n",
        "10^6 digits": "9" * 1_000_000 + "\n",
        "all zero": "0\n" * 100,
        "one second": "5\n",
        "text": "five\n",
        "HTML": "<html>\n",
        "ANSI": "5\n\x1b[31m\x1b]0;x\x07\n",
        "RTL": "5\n\u202e7\n",
        "NUL": "5\n\0\n",
        "markup": "5\n[/x]\n",
        "other digits": "٣\n५\n",
        "underscores": "1_000\n",
        "signs": "+5\n",
        "hexadecimal": "0x10\n",
        "CRLF": "5\r\n" * 30,
        "CR": "5\r" * 30,
        "tabs": "\t5\t\n" * 30,
        "two columns": "1 5\n2 6\n",
        "no UTF-8": b"5\n\xff\n",
        "UTF-16": "5\n6\n".encode("utf-16"),
        "BOM": b"\xef\xbb\xbf5\n6\n",
        "a line of 100 MB": "5" * 100_000_000,
        "10^6 lines": "5\n" * 1_000_000,
        "zip": zipped({"a": b"5\n"}),
        "form feeds": "5\x0c6\x1c7\u2028" * 20,
    }
    for name, text in lines.items():
        traces.add(name, content("trace.txt", data=text))
    traces.add("125 million lines", lambda case: inside(case, "trace.txt").write_bytes(b"5\n" * 125_000_000))
    for name, put in special_files("trace.txt").items():
        traces.add(name, put)


records = Door(
    "record",
    lambda _: None,
    {
        "prune": words(
            "stage=prune",
            "prune.ratios=[0.25]",
            "pruner=[l1]",
            UNTRACKED,
            "backbone.width=0.5",
            "workspace={case}/base",
        ),
        "export": words("stage=export", "export.opset=19", UNTRACKED, "backbone.width=0.5", "workspace={case}/base"),
        "publish": words("stage=publish", UNTRACKED, "workspace={case}/base"),
    },
    parts=("base",),
)


def add_records() -> None:
    def spoilt(change: Callable[[Json, Path], object]) -> Put:
        def put(case: Path) -> None:
            path = next((case / "base").glob("tasks/*/variants/digits-resnet8-????????/variant.json"))
            record = json.loads(path.read_text())
            change(record, case)
            path.write_text(fitting(record))

        return put

    def called(target: str, **arguments: Json) -> Json:
        return {"_target_": target, **arguments}

    targets: dict[str, Callable[[Path], Json]] = {
        "os.system": lambda case: called("os.system", command=f"touch {case}/canary/{RAN}"),
        "subprocess.run": lambda case: called("subprocess.run", args=["touch", f"{case}/canary/{RAN}"]),
        "builtins.exec": lambda case: called("builtins.exec", _args_=[f"open('{case}/canary/{RAN}', 'w')"]),
        "builtins.open": lambda case: called("builtins.open", file=f"{case}/canary/{RAN}", mode="w"),
        "io.open": lambda case: called("io.open", file=f"{case}/canary/{RAN}", mode="w"),
        "pathlib.Path.touch": lambda case: called("pathlib.Path.touch", _args_=[f"{case}/canary/{RAN}"]),
        "os.mknod": lambda case: called("os.mknod", path=f"{case}/canary/{RAN}"),
        "runpy.run_path": lambda case: called("runpy.run_path", path_name=str(script(case))),
        "torch.hub.load": lambda case: called(
            "torch.hub.load", repo_or_dir=str(script(case).parent), model="m", source="local"
        ),
        "importlib": lambda _: called("importlib.import_module", name="antigravity"),
        "a plugin": lambda case: called("script.run", folder=str(script(case).parent)),
        "our own writer": lambda case: called(
            "profiler.files.write_atomically", path=f"{case}/canary/{RAN}", content="x"
        ),
        "our own remover": lambda case: called("porting.files.remove", folder=f"{case}/precious"),
        "shutil.rmtree": lambda case: called("shutil.rmtree", path=f"{case}/precious"),
        "hydra's own": lambda case: called(
            "hydra.utils.call", config={"_target_": "os.system", "command": f"touch {case}/canary/{RAN}"}
        ),
        "nowhere": lambda _: called("nowhere.at.all"),
        "an empty name": lambda _: called(""),
        "ANSI": lambda _: called("a\x1b[31m.b"),
    }
    for name, target in targets.items():
        records.add(
            f"width is a call of {name}",
            spoilt(lambda record, case, target=target: record["network"]["backbone"].update(width=target(case))),
        )
        records.add(
            f"backbone is a call of {name}",
            spoilt(lambda record, case, target=target: record["network"].update(backbone=target(case))),
        )
        records.add(
            f"in a list: {name}",
            spoilt(
                lambda record, case, target=target: record["network"]["backbone"].update(width=[{"a": [target(case)]}])
            ),
        )
    values = (
        "network.num_classes",
        "network.in_channels",
        "network.backbone.width",
        "name",
        "task",
        "parent",
        "stage",
        "labels",
        "onnx.opset",
        "onnx.input",
        "onnx.sha256",
        "lineage",
        "key",
        "technique",
    )
    chance = random.Random(23)
    for field in values:
        path = tuple(field.split("."))
        for new in (*chance.sample(HUGE, 2), *chance.sample(WRONG, 3)):
            records.add(
                f"{field} = {str(new)[:24]!r}", spoilt(lambda record, _, path=path, new=new: assign(record, path, new))
            )


def assign(value: Json, path: Sequence[str], new: Json) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


def script(case: Path) -> Path:
    path = inside(case, "plugin", "script.py")
    path.write_text(f"open('{case}/canary/{RAN}', 'w').close()\ndef run(**_): ...\n")
    (path.parent / "hubconf.py").write_text(path.read_text() + "def m(): ...\n")
    return path


databases = Door(
    "mlflow.db",
    lambda _: None,
    {"publish": words("stage=publish", "workspace={case}/base")},
    parts=("base",),
)


def add_databases() -> None:
    def altered(*statements: str) -> Put:
        def put(case: Path) -> None:
            with sqlite3.connect(case / "base" / "mlflow.db") as database:
                for statement in statements:
                    database.execute(statement.replace("{case}", str(case)))

        return put

    for place in (
        "file://{case}/precious",
        "file:///dev/shm/escape",
        "http://evil.example/",
        "s3://evil/bucket",
        "ftp://evil.example/",
        "../../escape",
        "mlflow-artifacts:/x",
        "\x1b[31m",
        "file://{case}/base/mlartifacts/../../precious",
        "dbfs:/x",
        "",
    ):
        databases.add(f"artefacts at {place!r}", altered(f"update experiments set artifact_location = '{place}'"))
    statements = {
        "an older migration": "update alembic_version set version_num = '451aebb31d03'",
        "an unknown migration": "update alembic_version set version_num = 'evil'",
        "no migration": "delete from alembic_version",
        "two migrations": "insert into alembic_version values ('evil')",
        "no runs' table": "drop table runs",
        "no experiments": "delete from experiments",
        "a deleted experiment": "update experiments set lifecycle_stage = 'deleted'",
        "another name": "update experiments set name = 'x\x1b[31m' || experiment_id",
        "a view": "alter table params rename to p2",
        "a trigger": "create trigger t after insert on runs begin select raise(abort, 'no \x1b[31m'); end",
        "a slow trigger": "create trigger t after insert on runs begin select count(*) from "
        "(with recursive c(x) as (values(1) union all select x+1 from c) select x from c); end",
        "a trigger that deletes": "create trigger t after insert on runs begin delete from runs; end",
        "text for numbers": "update experiments set creation_time = 'x'",
    }
    for name, statement in statements.items():
        databases.add(name, altered(statement))
    for name, put in special_files("x").items():

        def special(case: Path, put: Put = put) -> None:
            put(case)
            database = case / "base" / "mlflow.db"
            database.unlink()
            (case / "in" / "x").rename(database)

        databases.add(name, special)
    for name, data in {
        "empty": b"",
        "text": b"x" * 5000,
        "a header alone": b"SQLite format 3\0",
        "zeros": bytes(8192),
    }.items():
        databases.add(f"bytes: {name}", lambda case, data=data: (case / "base" / "mlflow.db").write_bytes(data))
    databases.add("a journal beside it", lambda case: (case / "base" / "mlflow.db-journal").write_bytes(b"x" * 5000))
    databases.add(
        "a link as journal", lambda case: (case / "base" / "mlflow.db-journal").symlink_to(case / "precious" / "file")
    )


for adds in (add_requests, add_profiles, add_traces, add_records, add_databases):
    adds()
