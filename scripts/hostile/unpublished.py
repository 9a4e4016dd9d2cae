"""Hostile repositories without a publication: linted, and served without --trust."""

from pathlib import Path

from hostile.door import RAN, Door, Inputs, Put, served, words
from hostile.files import special_files
from hostile.onnx_made import CONFIG, good_bytes
from hostile.repository_made import copied

LINTED, SERVED = "in/models", "in/repository"
PYTHON = f"open('{RAN}', 'w').close()\n".encode()
NAMES = (f"$(touch {RAN})", f"`touch {RAN}`", "a b", "a\nb", "\x1b[31m", "a'b", 'a"b', "a;b", "\u202eb", "[/x]", "--x")
TEXTS = {
    "deep": "model_warmup { " * 10_000,
    "10^6 fields": "dynamic_batching { } " * 300_000,
    "ANSI": '# \x1b[31m\nname: "\x1b[31m"',
    "a huge number": "max_batch_size: 99999999999999999999999",
    "no UTF-8": "\udcff",
    "unknown": "evil: 1",
}


def triton(
    case: Path, name: str, more: str = "", files: dict[str, bytes] | None = None, model: str = "in/models"
) -> None:
    folder = case / model / name
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "model.onnx").write_bytes(good_bytes())
    (folder / "config.pbtxt").write_text(CONFIG + more)
    for path, data in (files or {}).items():
        (folder / path).write_bytes(data)


def triton_bytes(case: Path, text: bytes) -> None:
    triton(case, "m")
    (case / "in" / "models" / "m" / "config.pbtxt").write_bytes(text)


def special(name: str, where: str) -> Put:
    def put(case: Path) -> None:
        triton(case, "m", model=where)
        (case / where / "m" / "1" / "model.onnx").unlink()
        special_files(*where.split("/")[1:], "m", "1", "model.onnx")[name](case)

    return put


def models(where: str) -> Inputs:
    python = {"1/model.py": PYTHON}
    yield "a python model", lambda case: triton(case, "m", 'backend: "python"', python, where)
    yield "a plain one", lambda case: triton(case, "m", model=where)
    for name in NAMES:
        yield f"a model called {name!r}", lambda case, name=name: triton(case, name, model=where)
    for name in special_files("x"):
        yield f"a network that is {name}", special(name, where)


def configurations() -> Inputs:
    for name, text in TEXTS.items():
        data = text.encode(errors="surrogateescape")
        yield f"a configuration: {name}", lambda case, data=data: triton_bytes(case, data)


linted = Door("Triton repository", lambda case: triton(case, "m"), {"lint": words("lint", "{case}/in/models")})
# No good unpublished repository is served without --trust, so a published one is the good input.
foreign = Door(
    "foreign repository served",
    copied,
    {"serve": served("serve", "{case}/in/repository", "--http-port", "18000", "--grpc-port", "18001")},
    parts=("base",),
)
linted.add_all(models(LINTED))
linted.add_all(configurations())
foreign.add_all(models(SERVED))
