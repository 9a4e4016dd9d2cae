"""Somebody else's repository on a real server: nothing of it runs that is not ours."""

import json
import shutil
from argparse import Namespace
from pathlib import Path

import hostile_onnx
import numpy as np
import pytest
from made_live import LARGE, SMALL, TARGET, VARIANTS, live_repository
from sealed import edit_index
from servers.short_lived import short_lived_triton
from support import SIZE, Command
from tritonclient.grpc import InferenceServerClient

from orchestrators.live.expected_answers import answered
from porting.commands.serve import copied_models
from porting.commands.verify import copied
from porting.repository.publishing.offers import offered_by
from porting.repository.variant_files import VariantFiles
from profiler.common.errors import BadInputError, ModelError
from profiler.common.files import sha256

pytestmark = pytest.mark.integration
PROGRAM = """
import pathlib
pathlib.Path({mark!r}).write_text("it ran")
class TritonPythonModel:
    def execute(self, requests): return []
"""
CONFIG = """
backend: "python"
max_batch_size: 1
input {{ name: "input" data_type: TYPE_FP32 dims: 1 }}
output {{ name: "logits" data_type: TYPE_FP32 dims: 1 }}
"""


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """What the foreign program writes as it is loaded."""
    return tmp_path / "mark"


def plant(home: Path, mark: Path) -> None:
    """A model of the python backend."""
    (home / "1").mkdir(parents=True, exist_ok=True)
    (home / "1" / "model.py").write_text(PROGRAM.format(mark=str(mark)))
    (home / "config.pbtxt").write_text(CONFIG.format())


@pytest.fixture
def forged(tmp_path: Path, mark: Path) -> Path:
    """A published repository with a program in it, whose digests are right all the way up."""
    folder = shutil.copytree(live_repository(tmp_path).storage.local, tmp_path / "forged")
    home = folder / LARGE
    plant(home, mark)
    shutil.copyfile(home / "config.pbtxt", home / "configs" / f"{TARGET}.pbtxt")
    details = json.loads((home / "variant.json").read_text())
    details["files"] = {path: sha256(home / path) for path in (*details["files"], "1/model.py")}
    (home / "variant.json").write_text(json.dumps(details))
    digest = sha256(home / "variant.json")
    edit_index(folder, lambda tree: tree["variants"][0].__setitem__("details_sha256", digest))
    return folder


@pytest.mark.parametrize(
    ("verb", "more"),
    [
        ("serve", []),
        ("serve", ["--trust"]),
        ("verify", []),
        ("lint", []),
        ("convert", ["kserve", "--target", TARGET, "--storage-uri", "s3://a", "--output", "OUT"]),
    ],
)
def test_a_program_in_a_published_repository_never_runs(
    dnn_porting: Command, forged: Path, mark: Path, tmp_path: Path, verb: str, more: list[str]
) -> None:
    run = dnn_porting(verb, str(forged), *[str(tmp_path / "out") if one == "OUT" else one for one in more])
    assert run.code == 2, run.out
    assert len(run.err.splitlines()) == 1
    assert "config.pbtxt is another text than this program makes" in run.err + run.out
    assert not mark.exists()


def test_a_program_in_a_published_repository_never_runs_under_an_orchestrator(
    dnn_porting: Command, forged: Path, mark: Path, tmp_path: Path
) -> None:
    run = dnn_porting(
        "orchestrate", f"repository={forged}", f"output={tmp_path / 'out'}", "load={mean_rps: 1, seconds: 1}",
        timeout_s=400,
    )  # fmt: skip
    assert run.code != 0
    assert not mark.exists()


def test_a_network_that_never_answers_is_refused_before_it_is_opened_anywhere_else(
    dnn_porting: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("made_live.write_network", lambda path, bias: hostile_onnx.endless(path))
    foreign = live_repository(tmp_path, {LARGE: VARIANTS[LARGE]})
    refused = f"{foreign.storage}/{LARGE}/1/model.onnx does not answer an input within"
    run = dnn_porting("serve", str(foreign.storage))
    assert (run.code, len(run.err.splitlines())) == (2, 1)
    # On a busy machine the limit of time comes first.
    assert refused in run.err or "was ended after" in run.err
    for take in (
        lambda: list(offered_by(foreign, tmp_path)),
        lambda: answered(VariantFiles.of(foreign, LARGE), np.zeros((1, 1, SIZE, SIZE), np.float32)),
        lambda: copied(VariantFiles.of(foreign, LARGE), tmp_path / "copy"),
    ):
        with pytest.raises(ModelError, match=r"does not answer an input within .* refused unless"):
            take()


def test_what_was_not_published_is_served_only_where_it_is_trusted_and_what_runs_is_said(
    dnn_porting: Command, tmp_path: Path, mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = tmp_path / "a $(touch pwned) b"
    plant(foreign / "evil", mark)
    run = dnn_porting("serve", str(foreign))
    assert (run.code, len(run.err.splitlines())) == (2, 1)
    assert "serve it with --trust" in run.err
    assert not mark.exists()
    (tmp_path / "models").mkdir()
    options = Namespace(repository=foreign, trust=True, target=None, variant=None, public_key=None)
    names = copied_models(options, tmp_path / "models")
    said = capsys.readouterr().out
    assert "evil: backend python, files 1/model.py, config.pbtxt" in said
    with short_lived_triton(repository=tmp_path / "models", load=names) as server:
        with InferenceServerClient(server.endpoint) as client:
            assert client.is_model_ready("evil")
    assert mark.read_text() == "it ran"


@pytest.mark.parametrize("name", ["a b", "a$(touch x)", "a;b", "-a", "a\nb"])
def test_a_name_that_a_shell_would_act_on_is_not_served_even_where_it_is_trusted(
    tmp_path: Path, mark: Path, name: str
) -> None:
    plant(tmp_path / "foreign" / name, mark)
    options = Namespace(repository=tmp_path / "foreign", trust=True, target=None, variant=None, public_key=None)
    with pytest.raises(BadInputError, match="is no file name of a repository") as caught:
        copied_models(options, tmp_path / "models")
    assert str(caught.value).isprintable()


def test_the_edition_is_served_under_safe_names_and_later_ones_are_not_followed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = live_repository(tmp_path).storage.local.rename(tmp_path / "a $(touch x) b")
    (tmp_path / "models").mkdir()
    options = Namespace(repository=odd, trust=False, target=TARGET, variant=SMALL, public_key=None)
    names = copied_models(options, tmp_path / "models")
    assert "UTC is served, and no later edition" in capsys.readouterr().out
    shutil.rmtree(odd)
    with short_lived_triton(repository=tmp_path / "models", load=names) as server:
        with InferenceServerClient(server.endpoint) as client:
            assert client.is_model_ready(SMALL)
