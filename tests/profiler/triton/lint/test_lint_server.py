"""Lint and the real server agree: it loads exactly the models in which lint finds no error of a rule checked here."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import corpus
import pytest
from model_folders import GOOD, LABELLED, edited, place, warm_up
from servers.short_lived import short_lived_triton
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from profiler.common.errors import ServerError
from profiler.runtimes.kserve.server import Authorised
from profiler.triton.installation import Installation, find_triton
from profiler.triton.lint import Finding, lint
from profiler.triton.server import RunningServer, triton_server

pytestmark = pytest.mark.integration
SERVERS, TRIES = 2, 3


def refused(findings: list[Finding]) -> set[str]:
    """The models that the server must refuse under their own configuration."""
    here = [one for one in findings if one.severity == "error" and one.checked == "here"]
    return {one.model for one in here if not one.file.startswith("configs/")}


class DiedError(Exception):
    """The server is gone."""


def loads(server: RunningServer, name: str, limit_s: float = 60) -> bool:
    """Whether the server loads a model, and then that it is ready; raises `DiedError` where it dies of it."""
    with InferenceServerClient(server.endpoint) as client:
        client.register_plugin(Authorised(lambda: server.token))
        try:
            client.load_model(name, client_timeout=limit_s)
            assert client.is_model_ready(name)
            client.unload_model(name)
        except InferenceServerException as error:
            if error.status() == "StatusCode.UNAVAILABLE":
                raise DiedError(server.process.wait(30)) from error
            return False
    return True


def answers_of_one(names: list[str]) -> tuple[list[Finding], dict[str, bool]]:
    """What lint says of the corpus, and what a server says of some of it, one model after the other.

    Now and then the server dies where a model is refused, or soon after: then the next model is asked for again.
    """
    answers: dict[str, bool] = {}
    deaths: Counter[str] = Counter()
    while len(answers) < len(names):
        with short_lived_triton() as server:
            corpus.build(server.models)
            findings = lint(server.models)
            for name in names[len(answers) :]:
                try:
                    answers[name] = loads(server, name)
                except DiedError:
                    deaths[name] += 1
                    assert deaths[name] < TRIES, f"{name} kills the server"
                    break
    return findings, answers


@pytest.fixture(scope="module")
def corpus_answers() -> tuple[list[Finding], dict[str, bool]]:
    """What lint and the servers say of every model of the corpus."""
    names = list(corpus.RULES)
    with ThreadPoolExecutor(SERVERS) as pool:
        found = list(pool.map(answers_of_one, [names[start::SERVERS] for start in range(SERVERS)]))
    return found[0][0], {name: answer for _, answers in found for name, answer in answers.items()}


@pytest.mark.parametrize("name", corpus.RULES)
def test_the_server_loads_what_lint_finds_no_error_in(
    name: str, corpus_answers: tuple[list[Finding], dict[str, bool]]
) -> None:
    findings, answers = corpus_answers
    assert answers[name] == (name not in refused(findings))


def make_label_file_a_folder(root: Path) -> None:
    (place(root, "model", LABELLED) / "labels.txt").mkdir()


def make_warm_up_file_a_folder(root: Path) -> None:
    (place(root, "model", warm_up('input_data_file: "x"')) / "warmup" / "x").mkdir(parents=True)


def make_config_a_folder(root: Path) -> None:
    (place(root, "model", None) / "config.pbtxt").mkdir()


def make_version_of_twenty_digits(root: Path) -> None:
    (place(root, "model") / ("9" * 20)).mkdir()


DEADLY: list[Callable[[Path], None]] = [
    make_label_file_a_folder,
    make_warm_up_file_a_folder,
    make_config_a_folder,
    make_version_of_twenty_digits,
]


@pytest.mark.parametrize("make", DEADLY)
def test_what_the_server_dies_of_is_an_error(make: Callable[[Path], None]) -> None:
    with short_lived_triton() as server:
        make(server.models)
        assert refused(lint(server.models)) == {"model"}
        with pytest.raises(DiedError):
            loads(server, "model")


def test_a_name_that_a_shell_acts_on_is_an_error() -> None:
    with short_lived_triton() as server:
        place(server.models, "model(1")
        assert refused(lint(server.models)) == {"model(1"}
        assert not loads(server, "model(1", limit_s=2)


def test_a_link_to_nowhere_at_the_root_is_an_error_as_the_server_does_not_start(tmp_path: Path) -> None:
    place(tmp_path, "model")
    assert not refused(lint(tmp_path))
    with short_lived_triton(repository=tmp_path):
        (tmp_path / "link").symlink_to("nowhere")
    assert refused(lint(tmp_path)) == {""}
    with pytest.raises(ServerError), triton_server(find_triton(), repository=tmp_path):
        pass


def with_config_name(name: str, folder: Path) -> Installation:
    """The server, told to prefer `configs/<name>.pbtxt`."""
    real = find_triton()
    script = folder / "tritonserver"
    script.write_text(f'#!/bin/sh\nexec "{real.binary}" "$@" --model-config-name={name}\n')
    script.chmod(0o755)
    return Installation(script, real.backend_kind, real.wheel)


def test_a_configuration_by_name_is_judged_as_the_server_does_that_is_told_the_name(tmp_path: Path) -> None:
    broken, good = edited("KIND_CPU", "KIND_CPU gpus: [0]"), GOOD
    with triton_server(with_config_name("edge", tmp_path)) as server:
        for name, text in (("named-broken", broken), ("named-good", good)):
            configs = place(server.models, name) / "configs"
            configs.mkdir()
            (configs / "edge.pbtxt").write_text(text)
        place(server.models, "not-named")
        errors = [one for one in lint(server.models) if one.severity == "error"]
        assert [(one.model, one.file) for one in errors] == [("named-broken", "configs/edge.pbtxt")]
        answers = [loads(server, name) for name in ("named-broken", "named-good", "not-named")]
    assert answers == [False, True, True]


@pytest.mark.parametrize(
    ("config", "rule"),
    [
        (edited("KIND_CPU", "KIND_GPU"), "gpu-needed"),
        (
            GOOD + 'optimization { execution_accelerators { gpu_execution_accelerator [{ name: "tensorrt" }] } }',
            "accelerator-needed",
        ),
        (GOOD + 'model_repository_agents { agents [{ name: "checksum" }] }', "agent-needed"),
        (edited('backend: "onnxruntime"', 'backend: "openvino"'), "backend-needed"),
    ],
)
def test_what_depends_on_the_serving_host_is_told_and_no_error(config: str, rule: str) -> None:
    if any(Path("/dev").glob("nvidia[0-9]")):
        pytest.skip("this host has a GPU")
    with short_lived_triton() as server:
        place(server.models, "model", config)
        findings = lint(server.models)
        assert not refused(findings)
        assert [one.severity for one in findings if one.rule == rule] == ["warning"]
        assert not loads(server, "model")
