"""Writing a repository: a whole folder beside the old one, then one link that changes its aim."""

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from porting.repository.consistency import IndexCheck, check_batches, check_numbers
from porting.repository.index_json import index_to_json
from porting.repository.publishing.offers import Offer
from porting.repository.publishing.ranking import fingerprints, summaries
from porting.repository.publishing.variant_folder import next_version, write_variant
from porting.repository.reader import INDEX, Repository
from porting.repository.schema import Details, Index, Published, Summary
from porting.repository.signature import SIGNATURE, signature
from porting.repository.triton_files import texts
from porting.repository.variant_files import MODEL_FILE, VariantFiles, example_of
from profiler.common.errors import BadInputError
from profiler.common.files import flush_folder, json_digest, sha256, write_atomically, write_picture
from profiler.common.folders import remove, whole_folder
from profiler.common.parse import shown

SCHEMA, REPORT, FIGURE = "repository.schema.json", "report.html", "frontier.png"
FOLDER = ".repository-"


def repository_key(offers: Sequence[Offer]) -> str:
    """The hash of what is to be published, whenever that is."""
    offered = [(offer.details.model_dump(mode="json"), offer.example is not None) for offer in offers]
    return json_digest([version("dnn-porting"), *offered])


def publish(
    root: Path, offers: Sequence[Offer], private_key: Path | None = None, public_key: Path | None = None
) -> Repository:
    """Replaces the repository at `root` whole, signed with the key in a file where one is given.

    Of a repository that is signed the older versions of a file stay only where the one before has a signature that
    fits the public key: the new signature must not vouch for what anybody may have written there.

    Raises `BadInputError` where `root` is somebody else's folder, and for an offer that cannot be published; before
    anything is written.
    """
    if root.exists() and not root.is_symlink():
        raise BadInputError(
            f"{root} is a folder and no link to one, as a copy that follows links makes it: move it away"
        )
    key = repository_key(offers)
    previous = readable(root)
    vouched = previous if private_key is None else signed_before(root, public_key)
    offered = list(zip(offers, checked(offers, previous), strict=True))
    # A name of its own, also for what was published before: somebody may read that.
    folder = root.parent / f"{FOLDER}{key[:12]}-{secrets.token_hex(4)}"
    with whole_folder(folder) as unfinished:
        published, dropped = list[Published](), list[Summary]()
        for offer, summary in offered:
            if any(standing.on_frontier for standing in summary.targets.values()):
                published.append(write_variant(unfinished, offer, summary, older_versions(summary, vouched)))
            else:
                dropped.append(summary)
        index = Index(
            key=key,
            generator=f"dnn-porting {version('dnn-porting')}",
            published_at=datetime.now(UTC),
            targets=fingerprints(offers),
            files={},
            variants=published,
            dropped=dropped,
        )
        write_beside(unfinished, index, [offer.details for offer in offers])
        files = {name: sha256(unfinished / name) for name in (SCHEMA, FIGURE, REPORT)}
        content = index_to_json(index.model_copy(update={"files": files})).encode()
        (unfinished / INDEX).write_bytes(content)
        if private_key is not None:
            (unfinished / SIGNATURE).write_bytes(signature(content, private_key))
    aim(root, folder)
    return Repository.load(root)


def checked(offers: Sequence[Offer], previous: Repository | None) -> list[Summary]:
    """The offers' entries in the index; raises `BadInputError` for an offer that cannot be published."""
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


def write_beside(folder: Path, index: Index, details: Sequence[Details]) -> None:
    """What lies beside the index and its variants, for people to look at."""
    # A repository that is there already needs neither matplotlib nor scipy.
    from porting.repository.report.figure import DOTS_PER_INCH, as_svg, draw
    from porting.repository.report.report import render_report

    schema = {"index": Index.model_json_schema(), "details": Details.model_json_schema()}
    (folder / SCHEMA).write_text(json.dumps(schema, indent=1))
    picture = draw(index)
    write_picture(folder / FIGURE, picture, DOTS_PER_INCH)
    (folder / REPORT).write_text(render_report(index, details, as_svg(picture)))


def sign(repository: Repository, private_key: Path) -> None:
    """Signs a repository that is there already."""
    folder = repository.storage.local
    write_atomically(folder / SIGNATURE, signature((folder / INDEX).read_bytes(), private_key))


def readable(root: Path) -> Repository | None:
    """The repository at `root`, `None` where there is none or it is broken: then it is written anew."""
    try:
        return Repository.load(root)
    except BadInputError:
        return None


def signed_before(root: Path, public_key: Path | None) -> Repository | None:
    """The repository at `root` where its signature fits the key; `None` where it does not, or no key is given."""
    try:
        return None if public_key is None else Repository.load(root, public_key)
    except BadInputError:
        return None


def older_versions(summary: Summary, previous: Repository | None) -> Iterator[tuple[str, bytes]]:
    """The files, by path, of the versions before this one that were published under its name, those that are whole."""
    if previous is None or summary.name not in previous.by_name:
        return
    with suppress(BadInputError):
        files = VariantFiles(previous, previous.variant(summary.name), previous.details(summary.name))
        for path in files.details.files:
            number = MODEL_FILE.fullmatch(path)
            if number is not None and int(number[1]) < summary.version:
                with suppress(BadInputError):
                    yield path, files.read(path)


def aim(root: Path, folder: Path) -> None:
    """Aims the link `root` at `folder` in one step, which survives a power cut."""
    before = root.resolve() if root.is_symlink() else None
    temporary = root.with_name(f".{root.name}-link")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(folder.name)
    temporary.replace(root)
    flush_folder(root.parent)
    remove_older(root, before)


def remove_older(root: Path, before: Path | None = None) -> None:
    """Removes all folders of publications but the one that `root` aims at and the one `before`.

    Where nobody knows which that is, the newest of the others that is no newer is taken for it.
    """
    current = root.resolve()
    found = [path for path in root.parent.glob(f"{FOLDER}*") if path.is_dir() and not path.is_symlink()]
    others = sorted((path for path in found if path.resolve() != current), key=made_at)
    older = [path.resolve() for path in others if made_at(path) <= made_at(current)]
    kept = before or (older[-1] if older else None)
    for folder in others:
        if folder.resolve() != kept:
            remove(folder)
    root.with_name(f".{root.name}-link").unlink(missing_ok=True)


def made_at(folder: Path) -> int:
    return folder.stat().st_mtime_ns
