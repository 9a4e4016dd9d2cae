"""The integrity of a published repository: the digests of its files, and the signature of the index that has them."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from porting.repository.reader import DETAILS, INDEX, Repository
from porting.repository.storage import Storage
from porting.repository.variant_files import FILE_LIMIT_BYTES, VariantFiles, check_listed
from profiler.common.door import contents
from profiler.common.errors import BadInputError
from profiler.common.scratch import scratch
from profiler.triton.lint.model import Finding, clean
from profiler.triton.lint.tree import Tree

if TYPE_CHECKING:
    from model_signing import signing, verifying

SIGNATURE = "repository.sig"
SIGNATURE_LIMIT_BYTES = KEY_LIMIT_BYTES = 64 << 10
T = TypeVar("T")


def problems(repository: Repository) -> Iterator[tuple[str, BadInputError]]:
    """The deviations from the published files, by variant; the name is empty for the files outside of the variants."""
    try:
        check_other_files(repository)
    except BadInputError as error:
        yield "", error
    for name in repository.by_name:
        try:
            VariantFiles.of(repository, name).check()
        except BadInputError as error:
            yield name, error


def check_other_files(repository: Repository) -> None:
    """Raises `BadInputError` where a file outside of the variants is not the one of the index."""
    root, expected = repository.storage, repository.index.files
    for path, digest in expected.items():
        if hashlib.sha256(root.read(*path.split("/"), limit_bytes=FILE_LIMIT_BYTES)).hexdigest() != digest:
            raise BadInputError(f"{root}/{path} is not the file that was published: publish again")
    found = root.paths()
    if found is not None:
        others = {path for path in found if path.partition("/")[0] not in repository.by_name}
        check_listed(str(root), others, {INDEX, SIGNATURE, *expected})


def check_whole(repository: Repository) -> None:
    """Raises `BadInputError` for a file of the repository that was changed or was not published."""
    for _, error in problems(repository):
        raise error


def is_whole(repository: Repository) -> bool:
    """Whether the repository has exactly the published files, unchanged."""
    return next(problems(repository), None) is None


def published_rules(root: Path, public_key: Path | None = None) -> Iterator[Finding]:
    """The deviations of a folder from the published files, as lint findings.

    With the file of a `public_key`, a missing or foreign signature is a finding too. Without a key, a folder that was
    never published has no findings. Raises `BadInputError` where `root` is no folder.
    """
    tree = Tree(root)
    names = tree.names("")
    details = any(tree.place(f"{name}/{DETAILS}").kind == "file" for name in names)
    if INDEX not in names and not details and public_key is None:
        return
    try:
        repository = Repository.load(tree.root, public_key)
    except BadInputError as error:
        yield found("", INDEX, error)
        return
    for name, problem in problems(repository):
        yield found(name, ".", problem)


def found(name: str, file: str, error: BadInputError) -> Finding:
    """The lint finding of an error in a published file."""
    return Finding(name, file, "published", "error", "here", clean(str(error)))


def signature(index: bytes, private_key: Path) -> bytes:
    """The signature of an index as a Sigstore bundle; raises `BadInputError` for an unusable private key."""
    with scratch("sign") as place:
        (place.folder / INDEX).write_bytes(index)
        signer = with_key(private_key, lambda key: signing_package()[0].use_elliptic_key_signer(private_key=key))
        signer.sign(place.folder / INDEX, place.folder / SIGNATURE)
        return (place.folder / SIGNATURE).read_bytes()


def check_signed(storage: Storage, index: bytes, public_key: Path) -> None:
    """Raises `BadInputError` unless the owner of the key signed this index."""
    content = storage.read(SIGNATURE, limit_bytes=SIGNATURE_LIMIT_BYTES)
    verifier = with_key(public_key, lambda key: signing_package()[1].use_elliptic_key_verifier(public_key=key))
    from sigstore_models.bundle.v1 import Bundle

    with scratch("verify-signature") as place:
        (place.folder / INDEX).write_bytes(index)
        (place.folder / SIGNATURE).write_bytes(content)
        try:
            verifier.verify(place.folder / INDEX, place.folder / SIGNATURE)
            # A signature in another form than the canonical one was altered.
            if Bundle.from_json(content).to_json().encode() != content:
                raise ValueError("the signature was altered")
        except Exception as error:
            # The library and its dependencies raise errors of many kinds for an invalid signature.
            raise BadInputError(
                f"{storage}/{SIGNATURE} is no signature of this index by the owner of {public_key}: "
                "do not use this repository, or name the right key"
            ) from error


def with_key(key: Path, made: Callable[[Path], T]) -> T:
    """The result of `made(key)`; raises `BadInputError` where the file holds no usable key."""
    fix = "give a PEM file with a key of the curve P-256, P-384 or P-521 without a password"
    contents(key, KEY_LIMIT_BYTES, fix)
    try:
        return made(key)
    except (ValueError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInputError(f"{key} holds no key that can be used ({reason}): {fix}") from error


def signing_package() -> "tuple[signing.Config, verifying.Config]":
    """The signer and the verifier; raises `BadInputError` where their package is missing."""
    try:
        from model_signing import signing, verifying
    except ModuleNotFoundError as error:
        raise BadInputError(f"signatures need the package {error.name}: pip install 'dnn-porting[signing]'") from error
    return signing.Config(), verifying.Config()  # type: ignore[no-untyped-call]
