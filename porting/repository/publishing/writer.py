"""The writer of a repository: a complete new folder, then one atomic change of the link to it."""

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from porting.repository.consistency import IndexCheck, check_batches, check_numbers
from porting.repository.index_json import index_to_json
from porting.repository.integrity import SIGNATURE, signature
from porting.repository.publishing.offers import Offer, write_variant
from porting.repository.publishing.ranking import fingerprints, next_version, summaries, to_drop
from porting.repository.reader import INDEX, Repository
from porting.repository.schema import Details, Index, Published, Summary
from porting.repository.variant_files import MODEL_FILE, VariantFiles, example_of, texts
from profiler.common.door import shown
from profiler.common.errors import BadInputError
from profiler.common.files import flush_place, json_digest, sha256, write_atomically, write_picture
from profiler.common.folders import remove, whole_folder

SCHEMA, REPORT, FIGURE = "repository.schema.json", "report.html", "frontier.png"
FOLDER = ".repository-"


def repository_key(offers: Sequence[Offer]) -> str:
    """The hash of the offers, which is independent of the time of publication."""
    offered = [(offer.details.model_dump(mode="json"), offer.example is not None) for offer in offers]
    return json_digest([version("dnn-porting"), *offered])


def publish(
    root: Path, offers: Sequence[Offer], private_key: Path | None = None, public_key: Path | None = None
) -> Repository:
    """Replaces the repository at `root`, signed with the private key in a file if one is given.

    A signed repository keeps older versions of a file only if the previous signature fits the public key, because the
    new signature must not cover files of unknown origin. Raises `BadInputError` where `root` is a folder instead of a
    link, and for an offer that cannot be published, both before anything is written.
    """
    if root.exists() and not root.is_symlink():
        raise BadInputError(
            f"{root} is a folder and no link to one, for example after a copy that follows links: move it away"
        )
    key = repository_key(offers)
    previous = readable(root)
    trusted = previous
    if private_key is not None:
        trusted = None if public_key is None else readable(root, public_key)
    offered = list(zip(offers, checked(offers, previous), strict=True))
    # Even the same offers get a new folder name, because the previous folder may be in use.
    folder = root.parent / f"{FOLDER}{key[:12]}-{secrets.token_hex(4)}"
    with whole_folder(folder) as unfinished:
        index = write_variants(unfinished, key, offered, trusted)
        write_overview(unfinished, index, [offer.details for offer in offers])
        files = {name: sha256(unfinished / name) for name in (SCHEMA, FIGURE, REPORT)}
        content = index_to_json(index.model_copy(update={"files": files})).encode()
        (unfinished / INDEX).write_bytes(content)
        if private_key is not None:
            (unfinished / SIGNATURE).write_bytes(signature(content, private_key))
    change_link(root, folder)
    return Repository.load(root)


def write_variants(
    folder: Path, key: str, offered: Sequence[tuple[Offer, Summary]], trusted: Repository | None
) -> Index:
    """Writes the folders of the variants that others do not surpass; the index names the other ones as dropped."""
    published, dropped = list[Published](), list[Summary]()
    beaten = to_drop([offer for offer, _ in offered])
    for offer, summary in offered:
        if summary.name not in beaten:
            published.append(write_variant(folder, offer, summary, older_versions(summary, trusted)))
        else:
            dropped.append(summary)
    return Index(
        key=key,
        generator=f"dnn-porting {version('dnn-porting')}",
        published_at=datetime.now(UTC),
        targets=fingerprints([offer for offer, _ in offered]),
        files={},
        variants=published,
        dropped=dropped,
    )


def checked(offers: Sequence[Offer], previous: Repository | None) -> list[Summary]:
    """The index records of the offers; raises `BadInputError` for an offer that cannot be published."""
    targets = fingerprints(offers)
    versions = [next_version(offer.details, previous) for offer in offers]
    check = IndexCheck(targets)
    try:
        found = summaries(offers, list(targets), versions)
        for offer, summary in zip(offers, found, strict=True):
            check.add(summary)
            check_numbers(offer.details.model_dump(mode="json"))
            for profile in offer.details.profiles.values():
                check_batches(profile)
            texts(offer.details, offer.example is not None)
            if offer.example is not None:
                example_of(offer.details, offer.example.astype("<f4").tobytes())
        check.finish()
    except ValueError as error:
        raise BadInputError(f"{shown(' '.join(str(error).split()))}: profile it again with stage=profile") from error
    return found


def write_overview(folder: Path, index: Index, details: Sequence[Details]) -> None:
    """Writes the schema, the picture and the report."""
    # A reader of a repository needs neither matplotlib nor scipy.
    from porting.repository.report.figure import DOTS_PER_INCH, as_svg, draw
    from porting.repository.report.report import render_report

    schema = {"index": Index.model_json_schema(), "details": Details.model_json_schema()}
    (folder / SCHEMA).write_text(json.dumps(schema, indent=1))
    picture = draw(index)
    write_picture(folder / FIGURE, picture, DOTS_PER_INCH)
    (folder / REPORT).write_text(render_report(index, details, as_svg(picture)))


def sign(repository: Repository, private_key: Path) -> None:
    """Signs an existing repository."""
    folder = repository.storage.local
    write_atomically(folder / SIGNATURE, signature((folder / INDEX).read_bytes(), private_key))


def readable(root: Path, public_key: Path | None = None) -> Repository | None:
    """The repository at `root`, `None` where there is none, it is broken, or its signature does not fit the key."""
    try:
        return Repository.load(root, public_key)
    except BadInputError:
        return None


def older_versions(summary: Summary, previous: Repository | None) -> Iterator[tuple[str, bytes]]:
    """The paths and contents of the undamaged earlier versions of a variant."""
    if previous is None or summary.name not in previous.by_name:
        return
    with suppress(BadInputError):
        files = VariantFiles(previous, previous.variant(summary.name), previous.details(summary.name))
        for path in files.details.files:
            number = MODEL_FILE.fullmatch(path)
            if number is not None and int(number[1]) < summary.version:
                with suppress(BadInputError):
                    yield path, files.read(path)


def change_link(root: Path, folder: Path) -> None:
    """Changes the link `root` to `folder` in one atomic and durable step."""
    before = root.resolve() if root.is_symlink() else None
    temporary = root.with_name(f".{root.name}-link")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(folder.name)
    temporary.replace(root)
    flush_place(root.parent)
    remove_older(root, before)


def remove_older(root: Path, before: Path | None = None) -> None:
    """Removes the folders of all publications except the current one at `root` and the one `before` it.

    Without `before`, the newest of the folders that are no newer than the current one is kept.
    """
    current = root.resolve()
    found = [path for path in root.parent.glob(f"{FOLDER}*") if path.is_dir() and not path.is_symlink()]
    others = sorted((path for path in found if path.resolve() != current), key=lambda path: path.stat().st_mtime_ns)
    older = [path.resolve() for path in others if path.stat().st_mtime_ns <= current.stat().st_mtime_ns]
    kept = before or (older[-1] if older else None)
    for folder in others:
        if folder.resolve() != kept:
            remove(folder)
    root.with_name(f".{root.name}-link").unlink(missing_ok=True)
