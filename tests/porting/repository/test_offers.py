"""Several runs and boxes become one repository: profiles join by file, places are decided over all of them."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from full_profile import blank_profile, fingerprint, item
from made_repository import MIDDLE, QUICK, SLOW, items, repository
from support import write_network

from porting.repository.publishing.offers import Offer, merged, offered_by
from porting.repository.publishing.ranking import accuracies, fingerprints
from porting.repository.publishing.writer import publish
from profiler.common.errors import BadInputError
from profiler.common.files import sha256
from profiler.common.target import Target

Folder = Callable[[str], Path]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    def made(name: str) -> Path:
        (tmp_path / name).mkdir()
        return tmp_path / name

    return made


def elsewhere(folder: Path, **rates: float) -> list[Offer]:
    """The variants as another box measured them, under a target name of its own."""
    other = {"target_name": "edge", "target": Target(threads=2), "fingerprint": fingerprint().model_copy(
        update={"cpu_model": "another", "threads": 2})}  # fmt: skip
    return items(folder, rates, **other)


def test_one_file_measured_on_two_boxes_has_both_profiles(folder: Folder) -> None:
    found = merged(items(folder("here")), elsewhere(folder("there"), **{MIDDLE: 300.0}))
    assert [one.details.name for one in found] == [SLOW, MIDDLE, QUICK]
    assert set(found[1].details.profiles) == {"local_cpu", "edge"}


def test_a_variant_that_is_on_the_frontier_of_any_target_is_in(folder: Folder) -> None:
    here = items(folder("here"), {SLOW: 500.0, MIDDLE: 400.0})
    there = elsewhere(folder("there"), **{SLOW: 100.0, MIDDLE: 300.0})
    assert [one.name for one in publish(folder("alone") / "repository", here).variants] == [SLOW]
    both = publish(folder("both") / "repository", merged(here, there))
    assert [one.name for one in both.variants] == [SLOW, MIDDLE]
    standing = both.variant(MIDDLE).targets
    assert (standing["local_cpu"].on_frontier, standing["edge"].on_frontier) == (False, True)


def test_every_target_has_its_own_settings_in_the_folder(folder: Folder) -> None:
    found = publish(
        folder("both") / "repository", merged(items(folder("here")), elsewhere(folder("there"), **{SLOW: 9.0}))
    )
    configs = found.storage.local / SLOW / "configs"
    threads = {
        path.stem: '"2"' in path.read_text().split("intra_op_thread_count")[1][:60] for path in configs.iterdir()
    }
    assert threads == {"local_cpu": False, "edge": True}


def test_of_two_profiles_on_one_target_the_later_one_counts(folder: Folder) -> None:
    first = items(folder("here"), {SLOW: 200.0})
    measured_at = first[0].details.profiles["local_cpu"].measured_at + timedelta(days=1)
    later = items(folder("there"), {SLOW: 250.0}, measured_at=measured_at)
    for one, other in ((first, later), (later, first)):
        best = merged(one, other)[0].details.profiles["local_cpu"].best_throughput()
        assert best is not None
        assert best.images_per_s == 250


def test_one_name_for_two_files_is_refused(folder: Folder) -> None:
    here, there = items(folder("here"), {SLOW: 200.0}), items(folder("there"), {SLOW: 200.0})
    details = there[0].details.model_copy(update={"onnx_sha256": "1" * 64})
    with pytest.raises(BadInputError, match=f"{SLOW} is two files"):
        merged(here, [Offer(details, None, [], there[0].onnx)])


def test_a_published_repository_offers_its_variants_with_file_and_example(folder: Folder) -> None:
    offered = items(folder("here"), {SLOW: 200.0})
    example = np.arange(1024, dtype=np.float32).reshape(1, 32, 32)
    digest = sha256(write_network(offered[0].onnx))
    details = offered[0].details.model_copy(update={"onnx_sha256": digest})
    source = repository(folder("source"), [Offer(details, None, [], offered[0].onnx, example)])
    (found,) = offered_by(source, folder("brought"))
    assert found.details == details
    assert found.onnx.read_bytes() == offered[0].onnx.read_bytes()
    assert found.example is not None
    assert np.array_equal(found.example, example)


def test_a_file_that_is_not_the_indexed_one_is_refused(folder: Folder) -> None:
    source = repository(folder("source"), items(folder("here"), {SLOW: 200.0}))
    (source.storage.local / SLOW / "1" / "model.onnx").write_bytes(b"another")
    with pytest.raises(BadInputError, match="is not the file that was published"):
        offered_by(source, folder("brought"))


def test_two_machines_with_one_target_name_are_refused_with_the_variant_that_differs(tmp_path: Path) -> None:
    other = fingerprint().model_copy(update={"cpu_model": "another"})
    same, differs = item("same", blank_profile(), tmp_path), item("differs", blank_profile(fingerprint=other), tmp_path)
    assert fingerprints([same]) == {"local_cpu": fingerprint()}
    with pytest.raises(BadInputError, match=r"different machines or settings \(differs differs\)"):
        fingerprints([same, differs])


def test_variants_of_equal_accuracy_share_the_better_rank(tmp_path: Path) -> None:
    values = {"one": 0.5, "two": 0.4, "three": 0.5}
    offers = [item(name, blank_profile(), tmp_path, value) for name, value in values.items()]
    assert accuracies(offers) == {"one": (1.0, 1), "two": (0.8, 3), "three": (1.0, 1)}
