"""Hostile TorchScript files: archives with members that torch did not write."""

import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

from hostile.door import Inputs, Put, inside
from hostile.pickles import CALLS, calls
from hostile.program_made import GOOD, program

MEMBERS = ("data.pkl", "constants.pkl", "version", "code/__torch__")
NAMES = ("../../../escape", "/absolute", "model/../../x", "model/extra/\x1b[31m", "model/extra/" + "x" * 60_000)
Change = Callable[[str, bytes], bytes | None]


def rewritten(change: Change, extra: dict[str, bytes] | None = None) -> Put:
    """A good program whose archive has changed, missing or additional members."""

    def put(case: Path) -> None:
        program(case, GOOD)
        rewrite(inside(case, "model.pt"), change, extra or {})

    return put


def rewrite(path: Path, change: Change, extra: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            if (new := change(name, data)) is not None:
                archive.writestr(name, new)
        for name, data in extra.items():
            archive.writestr(name, data)


def without(member: str) -> Put:
    return rewritten(lambda name, data: None if member in name else data)


def zeros(member: str) -> Put:
    return rewritten(lambda name, data: bytes(len(data)) if member in name else data)


def inputs() -> Inputs:
    for member in MEMBERS:
        yield f"without {member}", without(member)
        yield f"{member} of zeros", zeros(member)
    for which in CALLS[:4]:
        for member in MEMBERS[:2]:
            yield f"{which} in {member}", calling(which, member)
    for name in NAMES:
        yield f"a member {name[:30]!r}", rewritten(lambda _, data: data, {name: b"x"})
    chance = random.Random(18)
    for index in range(6):
        yield f"bytes changed, {index}", flipped(chance.randrange(1 << 30))


def calling(which: str, member: str) -> Put:
    """A pickle that calls a function in the place of a member."""

    def put(case: Path) -> None:
        program(case, GOOD)
        hostile = pickle.dumps(calls(case)[which], protocol=2)
        rewrite(inside(case, "model.pt"), lambda name, data: hostile if name.endswith(member) else data, {})

    return put


def flipped(seed: int) -> Put:
    def put(case: Path) -> None:
        program(case, GOOD)
        path, own = inside(case, "model.pt"), random.Random(seed)
        data = bytearray(path.read_bytes())
        for _ in range(10):
            data[own.randrange(len(data))] = own.randrange(256)
        path.write_bytes(data)

    return put
