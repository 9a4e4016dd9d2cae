"""The token of a running server that this process did not start, such as one that `serve --token-file` wrote down."""

import os
import re
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from profiler.common.door import contents
from profiler.common.errors import BadInputError

# Triton's names of what changes the server, or the machine, and of what only tells of it.
CONTROL = ("model-repository", "shared-memory", "logging", "trace")
READ_ONLY = ("metadata", "model-config", "statistics")
TOKEN_HEADER = "dnn-porting-token"  # noqa: S105
# In the environment, as neither a target nor a request may name a file whose content is sent to an endpoint.
TOKEN_FILE = "DNN_PORTING_TOKEN_FILE"  # noqa: S105
TOKEN, LIMIT_BYTES = re.compile(r"[A-Za-z0-9_-]{1,128}"), 256
FIX = f"name the file of 'dnn-porting serve --token-file' in {TOKEN_FILE}, or unset it"


def given_token() -> Callable[[], str] | None:
    """What reads it from the file that the environment names; `None` where that names none."""
    name = os.environ.get(TOKEN_FILE)
    return None if name is None else lambda: read(Path(name))


def read(path: Path) -> str:
    """Raises `BadInputError` where the file holds no token."""
    token = contents(path, LIMIT_BYTES, FIX).decode(errors="replace").strip()
    if not TOKEN.fullmatch(token):
        raise BadInputError(f"{path} holds no token: {FIX}")
    return token


def new_token() -> str:
    """What nobody guesses."""
    return secrets.token_urlsafe(32)


def restrictions(closed: Sequence[str], token: str) -> list[str]:
    """The options that open these interfaces to who sends the token only."""
    features = ("http-restricted-api", "grpc-restricted-protocol")
    return [f"--{feature}={','.join(closed)}:{TOKEN_HEADER}={token}" for feature in features]
