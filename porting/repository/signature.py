"""Signatures of published repositories; that of the index covers all files through its digests."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from porting.repository.reader import INDEX
from porting.repository.storage import Storage
from profiler.common.door import contents
from profiler.common.errors import BadInputError
from profiler.common.scratch import scratch

if TYPE_CHECKING:
    from model_signing import signing, verifying

SIGNATURE = "repository.sig"
SIGNATURE_LIMIT_BYTES = KEY_LIMIT_BYTES = 64 << 10
T = TypeVar("T")


def signature(index: bytes, private_key: Path) -> bytes:
    """The signature of an index as a Sigstore bundle; raises `BadInputError` for an unusable private key."""
    with scratch("sign") as place:
        (place.folder / INDEX).write_bytes(index)
        signer = working(private_key, lambda key: imported()[0].use_elliptic_key_signer(private_key=key))
        signer.sign(place.folder / INDEX, place.folder / SIGNATURE)
        return (place.folder / SIGNATURE).read_bytes()


def check_signed(storage: Storage, index: bytes, public_key: Path) -> None:
    """Raises `BadInputError` unless the owner of the key signed this index."""
    content = storage.read(SIGNATURE, limit_bytes=SIGNATURE_LIMIT_BYTES)
    verifier = working(public_key, lambda key: imported()[1].use_elliptic_key_verifier(public_key=key))
    with scratch("verify-signature") as place:
        (place.folder / INDEX).write_bytes(index)
        (place.folder / SIGNATURE).write_bytes(content)
        try:
            verifier.verify(place.folder / INDEX, place.folder / SIGNATURE)
            check_form(content)
        except Exception as error:
            # The library and its dependencies raise errors of many kinds for an invalid signature.
            raise BadInputError(
                f"{storage}/{SIGNATURE} is no signature of the index beside it by the owner of {public_key}: "
                "do not use this repository, or name the right key"
            ) from error


def check_form(content: bytes) -> None:
    """Raises `ValueError` for a signature in another form than the canonical one, which was altered."""
    from sigstore_models.bundle.v1 import Bundle

    if Bundle.from_json(content).to_json().encode() != content:
        raise ValueError("the signature was altered")


def working(key: Path, made: Callable[[Path], T]) -> T:
    """The result of `made(key)`; raises `BadInputError` where the file holds no usable key."""
    fix = "give a PEM file with a key of the curve P-256, P-384 or P-521 without a password"
    contents(key, KEY_LIMIT_BYTES, fix)
    try:
        return made(key)
    except (ValueError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInputError(f"{key} holds no key that can be used ({reason}): {fix}") from error


def imported() -> "tuple[signing.Config, verifying.Config]":
    """The signer and the verifier; raises `BadInputError` where their package is missing."""
    try:
        from model_signing import signing, verifying
    except ModuleNotFoundError as error:
        raise BadInputError(f"signatures need the package {error.name}: pip install 'dnn-porting[signing]'") from error
    return signing.Config(), verifying.Config()  # type: ignore[no-untyped-call]
