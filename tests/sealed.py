"""An index of any content in the writer's layout, with a digest that is right: what only its values can betray."""

import hashlib
import json
from pathlib import Path
from typing import Any

LISTS = ("variants", "dropped")


def sealed(body: bytes) -> bytes:
    """What follows the digest, with the digest before it."""
    return b'{\n"seal": "' + hashlib.sha256(body).hexdigest().encode() + b'",\n' + body


def laid_out(tree: Any) -> bytes:
    """The values of an index."""
    fields = {name: json.dumps(value) for name, value in tree.items() if name != "seal"}
    for name in LISTS:
        if isinstance(tree.get(name), list):
            fields[name] = "[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in tree[name]) + "\n]"
    return sealed((",\n".join(f"{json.dumps(name)}: {text}" for name, text in fields.items()) + "\n}\n").encode())


def edit_index(folder: Path, change: Any) -> None:
    """Changes the values of a published index as one who knows how it is written."""
    path = folder / "repository.json"
    tree = json.loads(path.read_text())
    change(tree)
    path.write_bytes(laid_out(tree))
