"""Access control of Triton servers: a token opens the restricted interfaces."""

import os
import re
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from profiler.common.door import contents
from profiler.common.errors import BadInputError

# Triton's names of the interfaces that change the server or the machine, and of those that only read.
CONTROL = ("model-repository", "shared-memory", "logging", "trace")
READ_ONLY = ("metadata", "model-config", "statistics")
TOKEN_HEADER = "dnn-porting-token"  # noqa: S105
# An environment variable, because no target and no request may name a file whose content is sent to an endpoint.
TOKEN_FILE = "DNN_PORTING_TOKEN_FILE"  # noqa: S105
TOKEN, LIMIT_BYTES = re.compile(r"[A-Za-z0-9_-]{1,128}"), 256
FIX = f"name the file of 'dnn-porting serve --token-file' in {TOKEN_FILE}, or unset it"


def environment_token() -> Callable[[], str] | None:
    """The reader of the token file that the environment names for a running server; `None` without one."""
    name = os.environ.get(TOKEN_FILE)
    return None if name is None else lambda: read(Path(name))


def read(path: Path) -> str:
    """The token in a file; raises `BadInputError` where the file holds none."""
    token = contents(path, LIMIT_BYTES, FIX).decode(errors="replace").strip()
    if not TOKEN.fullmatch(token):
        raise BadInputError(f"{path} holds no token: {FIX}")
    return token


def new_token() -> str:
    """A new random token."""
    return secrets.token_urlsafe(32)


def restrictions(closed: Sequence[str], token: str) -> list[str]:
    """The server options that open the `closed` interfaces only to requests with the token."""
    features = ("http-restricted-api", "grpc-restricted-protocol")
    return [f"--{feature}={','.join(closed)}:{TOKEN_HEADER}={token}" for feature in features]
