"""The variants, targets and versions that a publication lost have one line each."""

import hashlib
from dataclasses import replace
from pathlib import Path

from full_profile import fingerprint
from made_repository import IMAGES_PER_S, MIDDLE, QUICK, SLOW, items

from porting.repository.compare import removed
from porting.repository.publishing.offers import Offer, merged
from porting.repository.publishing.writer import publish
from profiler.common.target import Target


def with_content(item: Offer, content: bytes) -> Offer:
    item.onnx.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return replace(item, details=item.details.model_copy(update={"onnx_sha256": digest}))


def test_nothing_is_said_where_everything_is_in(tmp_path: Path) -> None:
    one = publish(tmp_path / "repository", items(tmp_path))
    assert list(removed(one, publish(tmp_path / "repository", items(tmp_path)))) == []


def test_a_variant_that_is_gone_is_named(tmp_path: Path) -> None:
    before = publish(tmp_path / "repository", items(tmp_path))
    rest = {name: IMAGES_PER_S[name] for name in (SLOW, QUICK)}
    (line,) = removed(before, publish(tmp_path / "repository", items(tmp_path, rest)))
    assert line.startswith(f"{MIDDLE} is no longer published: ")


def test_a_variant_that_is_dominated_now_is_named_with_its_better(tmp_path: Path) -> None:
    before = publish(tmp_path / "repository", items(tmp_path))
    now = publish(tmp_path / "repository", items(tmp_path, {**IMAGES_PER_S, SLOW: 2000.0}))
    lines = list(removed(before, now))
    assert f"{MIDDLE} can no longer be loaded: it is dominated by {SLOW} on local_cpu" in lines
    assert len(lines) == 2


def test_a_target_that_is_gone_is_named(tmp_path: Path) -> None:
    machine = fingerprint().model_copy(update={"threads": 2})
    edge = items(tmp_path, {SLOW: 9.0}, target_name="edge", target=Target(threads=2), fingerprint=machine)
    before = publish(tmp_path / "repository", merged(items(tmp_path), edge))
    lines = list(removed(before, publish(tmp_path / "repository", items(tmp_path))))
    assert lines == [f"{SLOW} is no longer published on edge: it has no finished profile there"]


def test_an_older_version_that_was_damaged_is_named_and_not_taken_over(tmp_path: Path) -> None:
    offered = items(tmp_path, {SLOW: 200.0})[0]
    for content in (b"one", b"two"):
        before = publish(tmp_path / "repository", [with_content(offered, content)])
    (before.storage.local / SLOW / "1" / "model.onnx").write_bytes(b"six")
    now = publish(tmp_path / "repository", [with_content(offered, b"three")])
    assert list(removed(before, now)) == [f"{SLOW}/1/model.onnx is no longer published: it was damaged"]
    assert sorted(path.name for path in (now.storage.local / SLOW).glob("[0-9]*")) == ["2", "3"]


def test_all_older_versions_are_named_where_the_details_were_damaged(tmp_path: Path) -> None:
    offered = items(tmp_path, {SLOW: 200.0})[0]
    before = publish(tmp_path / "repository", [with_content(offered, b"one")])
    (before.storage.local / SLOW / "variant.json").write_bytes(b"{}")
    now = publish(tmp_path / "repository", [with_content(offered, b"two")])
    (line,) = removed(before, now)
    assert line.startswith(f"the older versions of {SLOW} are no longer published: ")
