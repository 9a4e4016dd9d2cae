"""Hostile repositories: indexes, details, configurations and files, with digests that are made to fit."""

import hashlib
import json
import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile_door import IN_PROCESS, RAN, UNTRACKED, Door, Put, inside, served, words
from hostile_onnx import DIRTY, good_bytes
from hostile_records import HUGE, RAW, WRONG, assign, replaced, special_files, whole_files

Json = Any
REPOSITORY = "{case}/in/repository"
READ = {
    "select": words("select", REPOSITORY, "--objective", "images_per_s"),
    "compare": words("compare", "{case}/base/repository", REPOSITORY),
    "plan": words("plan", "planner=[sponge,trivial]", f"repository={REPOSITORY}", "demand_rps=20", "output=plan.json"),
    "simulate": words(
        "simulate", REPOSITORY, "--demand-rps", "20", "--seconds", "5", "--policy", "largest", "--output", "out"
    ),
    "lint": words("lint", REPOSITORY),
    "convert": words(
        "convert", REPOSITORY, "kserve", "--target", "local_cpu", "--output", "out", "--storage-uri", "s3://b/m"
    ),
    "verify": words("verify", REPOSITORY, "--variants", "1"),
    "others": words("stage=publish", f"publish.others=[{REPOSITORY}]", UNTRACKED, IN_PROCESS, "workspace={case}/ws"),
}
SERVE = served("serve", REPOSITORY, "--http-port", "18000", "--grpc-port", "18001")
ORCHESTRATE = words(
    "orchestrate", f"repository={REPOSITORY}", "load={mean_rps: 5, seconds: 1}", "policy=smallest", "output=out"
)
INDEX = ("select", "compare", "plan", "lint", "others")
DETAILS = ("lint", "convert", "verify", "others", "simulate")
FILES = ("lint", "verify", "others", "serve")


def copied(case: Path) -> Path:
    """The published folder, by itself."""
    root = case / "in" / "repository"
    shutil.copytree((case / "base" / "repository").resolve(), root)
    return root


door = Door("repository", copied, {**READ, "serve": SERVE, "orchestrate": ORCHESTRATE}, parts=("base",))


def altered(change: Callable[[Path], object], fitting: bool = False) -> Put:
    """A copy after a change of its files; with digests that fit where that is asked for."""

    def put(case: Path) -> None:
        root = copied(case)
        before = digests(root)
        change(root)
        if fitting:
            fit(root, before)

    return put


def digests(root: Path) -> dict[Path, str]:
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.stat().st_size < 1 << 28}


def fit(root: Path, before: dict[Path, str]) -> None:
    """Writes each changed file's digest wherever the old one stands, until no file changes any more.

    A new file is added to the details' own list.
    """
    list_new_files(root, before)
    for _ in range(8):
        now = digests(root)
        old = {before[path]: now[path] for path in before.keys() & now.keys() if before[path] != now[path]}
        if not old:
            return
        for path in now:
            if path.suffix in (".json", ".pbtxt", ".txt", ".sig", ".sha256"):
                text = path.read_bytes()
                new = text
                for was, becomes in old.items():
                    new = new.replace(was.encode(), becomes.encode())
                if new != text:
                    path.write_bytes(resealed(new))
        before = now


def resealed(text: bytes) -> bytes:
    """The text with the seal in its second line, where it has one, made to fit what follows."""
    opening, second, rest = [*text.split(b"\n", 2), b"", b""][:3]
    if not second.startswith(b'"seal": "'):
        return text
    return opening + b'\n"seal": "' + hashlib.sha256(rest).hexdigest().encode() + b'",\n' + rest


def list_new_files(root: Path, before: dict[Path, str]) -> None:
    for path, digest in digests(root).items():
        details = root / path.relative_to(root).parts[0] / "variant.json"
        if path in before or not details.is_file() or path == details:
            continue
        content = json.loads(details.read_text())
        content["files"][path.relative_to(details.parent).as_posix()] = digest
        details.write_text(json.dumps(content))


def variant(root: Path) -> Path:
    return min(path.parent for path in root.glob("*/config.pbtxt"))


def index_text(case: Path) -> str:
    return (case / "base" / "repository" / "repository.json").read_text()


def details_text(case: Path) -> str:
    return (variant(case / "base" / "repository") / "variant.json").read_text()


def add_whole() -> None:
    def put_index(put: Put) -> Put:
        def both(case: Path) -> None:
            copied(case)
            (case / "in" / "repository" / "repository.json").unlink()
            put(case)

        return both

    def put_details(make: Callable[[str], Put]) -> Put:
        def both(case: Path) -> None:
            root = copied(case)
            place = variant(root)
            (place / "variant.json").unlink()
            make(place.name)(case)

        return both

    for name, put in whole_files(index_text, "repository", "repository.json").items():
        door.add(f"index: {name}", put_index(put), *INDEX)
    for name in whole_files(details_text, "x"):
        door.add(
            f"details: {name}",
            put_details(
                lambda folder, name=name: whole_files(details_text, "repository", folder, "variant.json")[name]
            ),
            *DETAILS,
        )
    lines: dict[str, Callable[[], bytes]] = {
        "30 million lines": lambda: b'{"\n' * 30_000_000,
        "10^7 brackets": lambda: b"[\n" * 10**7,
        "10^6 of one field": lambda: b"{" + b'"variants": [],\n' * 10**6 + b'"x":1}',
        "10^6 variants": lambda: b'{"variants": [\n' + b'{"name": "a"},\n' * 10**6 + b"{}]}",
    }
    for name, make in lines.items():
        door.add(
            f"index: {name}", altered(lambda root, make=make: (root / "repository.json").write_bytes(make())), *INDEX
        )


def in_json(path: Callable[[Path], Path], change: Callable[[Json], Json | None], fitting: bool = True) -> Put:
    """A change of the index or the details; whatever holds their digests is made to fit."""

    def changed(root: Path) -> None:
        place = path(root)
        value = json.loads(place.read_text())
        place.write_text(json.dumps(change(value) or value))

    return altered(changed, fitting)


def the_index(root: Path) -> Path:
    return root / "repository.json"


def the_details(root: Path) -> Path:
    return variant(root) / "variant.json"


def add_values() -> None:
    chance = random.Random(24)
    of_index = (
        "schema_version",
        "key",
        "published_at",
        "generator",
        "targets",
        "variants",
        "dropped",
        "variants.0.name",
        "variants.0.version",
        "variants.0.task",
        "variants.0.targets.local_cpu.figures.images_per_s",
        "variants.0.onnx_sha256",
        "targets.local_cpu.cpu_model",
        "variants.0.validation_accuracy.value",
    )
    of_details = (
        "name",
        "task",
        "labels",
        "input",
        "input.shape",
        "output",
        "onnx_sha256",
        "opset",
        "files",
        "profiles",
        "profiles.local_cpu.latency.0.n",
        "profiles.local_cpu.latency.0.batch",
        "profiles.local_cpu.latency.0.mean_ms",
        "profiles.local_cpu.max_throughput.0.answers",
        "profiles.local_cpu.max_throughput.0.images_per_s",
        "profiles.local_cpu.max_throughput.0.batch",
        "profiles.local_cpu.max_throughput.0.concurrency",
        "profiles.local_cpu.target.server_environment",
        "profiles.local_cpu.target.runtime",
        "profiles.local_cpu.key",
        "preprocessing",
        "lineage",
    )
    for fields, where, commands, what in (
        (of_index, the_index, INDEX, "index"),
        (of_details, the_details, DETAILS, "details"),
    ):
        for field in fields:
            path = tuple(int(part) if part.isdigit() else part for part in field.split("."))
            for new in (*chance.sample(HUGE, 2), *chance.sample(WRONG, 1)):
                door.add(
                    f"{what}: {field} = {str(new)[:20]!r}",
                    in_json(where, lambda value, path=path, new=new: replaced(value, path, new)),
                    *commands,
                )
    for raw in RAW:
        door.add(
            f"index: images_per_s = {raw[:12]}",
            altered(
                lambda root, raw=raw: the_index(root).write_text(
                    re.sub(r'"images_per_s": ?\[[^,]*', f'"images_per_s":[{raw}', the_index(root).read_text(), count=1)
                ),
                fitting=True,
            ),
            *INDEX,
        )
    endless = {
        "n": ("latency", "n", 10**18),
        "mean": ("latency", "mean_ms", 1e17),
        "answers": ("max_throughput", "answers", 10**18),
        "rate": ("max_throughput", "images_per_s", 1e-300),
    }
    for name, (part, field, new) in endless.items():
        door.add(
            f"details: an endless {name}",
            in_json(the_details, lambda value, part=part, field=field, new=new: every_point(value, part, field, new)),
            "verify",
            "others",
        )
    for name, text in DIRTY.items():
        short = text[:3000]
        door.add(
            f"index: target's CPU {name}",
            in_json(the_index, lambda value, short=short: assign(value, ("targets", "local_cpu", "cpu_model"), short)),
            *INDEX,
        )
        door.add(
            f"details: label {name}",
            in_json(the_details, lambda value, short=short: value["labels"].__setitem__(0, short)),
            *DETAILS,
        )
        door.add(
            f"index: generator {name}",
            in_json(the_index, lambda value, short=short: assign(value, ("generator",), short)),
            *INDEX,
        )


def every_point(value: Json, part: str, field: str, new: Json) -> None:
    for point in value["profiles"]["local_cpu"][part]:
        point[field] = new


def add_configurations() -> None:
    """What a server would do: everything fits its digest, as it is its author's own."""

    def config(text: str, **files: str) -> Callable[[Path], None]:
        def change(root: Path) -> None:
            place = variant(root)
            written = text.replace("{RAN}", RAN)
            for path in (place / "config.pbtxt", *place.glob("configs/*.pbtxt")):
                path.write_text(
                    written + path.read_text() if text.startswith("+") is False else path.read_text() + written[1:]
                )
            for name, body in files.items():
                file = place / name.replace("__", "/")
                file.parent.mkdir(exist_ok=True)
                file.write_text(body)

        return change

    python = f"open('{RAN}', 'w').close()\nclass TritonPythonModel:\n    def execute(self, requests): return []\n"
    texts: dict[str, tuple[str, dict[str, str]]] = {
        "the python backend": ('+backend: "python" default_model_filename: "model.py"', {"1__model.py": python}),
        "the python backend, a file that is not named": ('+backend: "python"', {"1__model.py": python}),
        "another backend": ('+backend: "pytorch"', {}),
        "a platform": ('+platform: "pytorch_libtorch"', {}),
        "a backend elsewhere": ('+backend: "../../../tmp/x"', {}),
        "an ensemble": ('+platform: "ensemble" ensemble_scheduling { step { model_name: "x" } }', {}),
        "an environment": ('+parameters { key: "EXECUTION_ENV_PATH" value { string_value: "/tmp/env.tar.gz" } }', {}),
        "an environment of a shell": (
            f'+parameters {{ key: "EXECUTION_ENV_PATH" value {{ string_value: "$(touch {RAN})" }} }}',
            {},
        ),
        "a model elsewhere": ('+default_model_filename: "../../../../etc/passwd"', {}),
        "labels elsewhere": ('+output { name: "x" label_filename: "../../../../etc/passwd" }', {}),
        "warm-up elsewhere": (
            '+model_warmup { name: "w" inputs { key: "input" value { input_data_file: "../../../etc/passwd" } } }',
            {},
        ),
        "10^9 instances": ("+instance_group { count: 1000000000 }", {}),
        "a GPU": ("+instance_group { kind: KIND_GPU }", {}),
        "10^9 threads": ('+parameters { key: "intra_op_thread_count" value { string_value: "1000000000" } }', {}),
        "an agent": ('+model_repository_agents { agents { name: "checksum" } }', {}),
        "10^9 in a batch": ("+max_batch_size: 1000000000", {}),
        "an accelerator": (
            '+optimization { execution_accelerators { cpu_execution_accelerator { name: "openvino" } } }',
            {},
        ),
        "a library": ('+parameters { key: "register_custom_ops" value { string_value: "/tmp/x.so" } }', {}),
        "a session's option": (
            '+parameters { key: "session.register_custom_ops" value { string_value: "/tmp/x.so" } }',
            {},
        ),
        "model.py beside it": ("+", {"1__model.py": python, "model.py": python}),
        "no text": ("+\x00\x01", {}),
        "ANSI": ("+# \x1b[31m\n", {}),
    }
    for name, (text, files) in texts.items():
        door.add(f"configuration: {name}", altered(config(text, **files), fitting=True), *FILES, "orchestrate")
        door.add(f"configuration: {name}, digests of before", altered(config(text, **files)), "serve", "lint")


def add_files() -> None:
    def place(change: Callable[[Path], object]) -> Callable[[Path], object]:
        return lambda root: change(variant(root))

    changes: dict[str, Callable[[Path], object]] = {
        "another version": lambda one: shutil.copytree(one / "1", one / "2"),
        "a version that is a link": lambda one: (one / "1").rename(one / "real") and (one / "1").symlink_to("real"),
        "a version of 10^30": lambda one: (one / "1").rename(one / ("1" + "0" * 30)),
        "an unnamed file": lambda one: (one / "more.txt").write_text("x"),
        "an unnamed program": lambda one: (one / "model.py").write_text(f"open('{RAN}', 'w')"),
        "an unnamed folder": lambda one: (one / "more").mkdir(),
        "an odd name": lambda one: (one / "a\x1b[31m\nb").write_text("x"),
        "a name of a shell": lambda one: (one / f"$(touch {RAN})").write_text("x"),
        "labels without an end": lambda one: (one / "labels.txt").write_text("x" * 10**7),
        "10^6 labels": lambda one: (one / "labels.txt").write_text("x\n" * 10**6),
        "a short example": lambda one: (one / "warmup" / "example").write_bytes(b"x"),
        "no example": lambda one: (one / "warmup" / "example").unlink(),
        "an example of 1 GB": lambda one: os.truncate(one / "warmup" / "example", 1 << 30),
        "another network": lambda one: (one / "1" / "model.onnx").write_bytes(good_bytes()),
        "bytes for a network": lambda one: (one / "1" / "model.onnx").write_bytes(b"x" * 1000),
        "no network": lambda one: (one / "1" / "model.onnx").unlink(),
        "a network of 1 TB": lambda one: os.truncate(one / "1" / "model.onnx", 1 << 40),
    }
    for name, change in changes.items():
        door.add(f"files: {name}", altered(place(change), fitting="1 TB" not in name), *FILES)
    for file in ("1/model.onnx", "config.pbtxt", "labels.txt", "warmup/example", "variant.json"):
        for name in special_files("x"):

            def special(case: Path, file: str = file, name: str = name) -> None:
                root = copied(case)
                one = variant(root)
                (one / file).unlink()
                special_files("repository", one.name, *file.split("/"))[name](case)

            door.add(f"files: {file} is {name}", special, *FILES[:3])
    for name, text in {**DIRTY, "up": "../x", "an option": "--help", "blanks": "a b", "dots": ".."}.items():
        short = text[:200].replace("/", "_") if name != "up" else text

        def renamed(root: Path, short: str = short) -> None:
            one = variant(root)
            for path in (root / "repository.json", one / "variant.json"):
                path.write_text(path.read_text().replace(one.name, json.dumps(short)[1:-1]))
            one.rename(root / short.replace("/", "_"))

        door.add(f"a variant's name: {name}", altered(renamed, fitting=True), *INDEX, "serve")


unpublished = Door("Triton repository", lambda case: triton(case, "m"), {"lint": words("lint", "{case}/in/models")})
# Served without --trust; nobody has a good one of these, so a published one stands for it.
foreign = Door(
    "foreign repository served",
    copied,
    {"serve": served("serve", REPOSITORY, "--http-port", "18000", "--grpc-port", "18001")},
    parts=("base",),
)


def triton(
    case: Path, name: str, more: str = "", files: dict[str, bytes] | None = None, model: str = "in/models"
) -> None:
    from hostile_onnx import CONFIG

    folder = case / model / name
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "model.onnx").write_bytes(good_bytes())
    (folder / "config.pbtxt").write_text(CONFIG + more)
    for path, data in (files or {}).items():
        (folder / path).write_bytes(data)


def add_unpublished() -> None:
    python = f"open('{RAN}', 'w').close()\n".encode()
    for where, one in (("in/models", unpublished), ("in/repository", foreign)):
        one.add(
            "a python model",
            lambda case, where=where: triton(case, "m", 'backend: "python"', {"1/model.py": python}, where),
        )
        one.add("a plain one", lambda case, where=where: triton(case, "m", model=where))
        for name in (
            f"$(touch {RAN})",
            f"`touch {RAN}`",
            "a b",
            "a\nb",
            "\x1b[31m",
            "a'b",
            'a"b',
            "a;b",
            "\u202eb",
            "[/x]",
            "--x",
        ):
            one.add(f"a model called {name!r}", lambda case, name=name, where=where: triton(case, name, model=where))
        for name in special_files("x"):

            def special(case: Path, name: str = name, where: str = where) -> None:
                triton(case, "m", model=where)
                (case / where / "m" / "1" / "model.onnx").unlink()
                special_files(*where.split("/")[1:], "m", "1", "model.onnx")[name](case)

            one.add(f"a network that is {name}", special)
    texts = {
        "deep": "model_warmup { " * 10_000,
        "10^6 fields": "dynamic_batching { } " * 300_000,
        "ANSI": '# \x1b[31m\nname: "\x1b[31m"',
        "a huge number": "max_batch_size: 99999999999999999999999",
        "no UTF-8": "\udcff",
        "unknown": "evil: 1",
    }
    for name, text in texts.items():
        unpublished.add(
            f"a configuration: {name}",
            lambda case, text=text: triton_bytes(case, text.encode(errors="surrogateescape")),
        )


def triton_bytes(case: Path, text: bytes) -> None:
    triton(case, "m")
    (inside(case, "models", "m", "config.pbtxt")).write_bytes(text)


for adds in (add_whole, add_values, add_configurations, add_files, add_unpublished):
    adds()
