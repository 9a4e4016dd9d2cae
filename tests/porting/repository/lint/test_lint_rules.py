"""Every rule tells of what it is for, and of nothing else; rules of other servers are marked as not run here."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import corpus
import pytest
from model_folders import GOOD, LABELLED, change_network, edited, place, warm_up
from onnx import ModelProto, TensorProto
from support import environment

from porting.repository import Repository
from porting.repository.lint import Finding, lint
from porting.verbs.lint import run
from profiler.common.errors import BadInputError


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    root = tmp_path_factory.mktemp("corpus")
    corpus.build(root)
    return lint(root)


@pytest.mark.parametrize(("name", "rule"), corpus.RULES.items())
def test_a_broken_model_is_told_of_by_its_rule_and_a_good_one_by_none(
    name: str, rule: str | None, findings: list[Finding]
) -> None:
    errors = [one for one in findings if one.model == name and one.severity == "error" and one.checked == "here"]
    assert {one.rule for one in errors} == (set() if rule is None else {rule})


def told(root: Path, config: str, change: Callable[[ModelProto], object] | None = None) -> list[Finding]:
    """The findings on one model of that configuration, with a change of its network."""
    folder = place(root, "model", config)
    if change is not None:
        change_network(folder, change)
    return lint(root)


def free_axis(model: ModelProto) -> None:
    """An input of any height and an output of any length."""
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "length"


def fixed_batch(model: ModelProto) -> None:
    for value in (model.graph.input[0], model.graph.output[0]):
        value.type.tensor_type.shape.dim[0].dim_value = 2


def another_input(model: ModelProto) -> None:
    model.graph.input.add(name="second").type.CopyFrom(model.graph.input[0].type)


OFFICIAL: dict[str, tuple[str, str, Callable[[ModelProto], object] | None]] = {
    "output dims wider than the graph's": ("output-dims", edited("dims: [3]", "dims: [-1]"), None),
    "output dims narrower than the graph's": ("output-dims", GOOD, free_axis),
    "output dims with the batch axis": ("output-dims", edited("dims: [3]", "dims: [-1, 3]"), None),
    "input dims wider than the graph's": ("input-dims", edited("[1, 8, 8]", "[1, -1, 8]"), None),
    "input of another rank": ("input-dims", edited("[1, 8, 8]", "[8, 8]"), None),
    "input of another type": ("input-type", edited("TYPE_FP32 dims: [1,", "TYPE_FP16 dims: [1,"), None),
    "output of another type": ("output-type", edited("TYPE_FP32 dims: [3]", "TYPE_INT64 dims: [3]"), None),
    "output that the graph has not": ("output-unknown", edited('"logits"', '"other"'), None),
    "input that the graph needs": ("input-undeclared", GOOD, another_input),
    "input that is declared twice": (
        "tensor-twice",
        GOOD + 'input [{ name: "input" data_type: TYPE_FP32 dims: [1, 8, 8] }]',
        None,
    ),
    "optional input of batches": ("input-optional", edited("dims: [1, 8, 8]", "dims: [1, 8, 8] optional: true"), None),
    "ragged input": ("input-ragged", edited("dims: [1, 8, 8]", "dims: [1, 8, 8] allow_ragged_batch: true"), None),
    "type that is a number": ("tensor-type", edited("TYPE_FP32 dims: [3]", "99 dims: [3]"), None),
    "execution mode": ("parameter", corpus.parameter("execution_mode", "3"), None),
    "memory arena": ("parameter", corpus.parameter("enable_mem_arena", "perhaps"), None),
    "runtime of the Python-based server": ("runtime", 'runtime: "model.py"\n' + GOOD, None),
    "accelerator of the wrong kind": (
        "accelerator",
        GOOD + 'optimization { execution_accelerators { cpu_execution_accelerator [{ name: "tensorrt" }] } }',
        None,
    ),
}


@pytest.mark.parametrize(("rule", "config", "change"), OFFICIAL.values(), ids=OFFICIAL)
def test_what_only_the_official_backend_refuses_is_an_error_that_is_not_run_here(
    rule: str, config: str, change: Callable[[ModelProto], object] | None, tmp_path: Path
) -> None:
    errors = [one for one in told(tmp_path, config, change) if one.severity == "error"]
    assert {one.checked for one in errors} == {"from_source"}
    assert rule in {one.rule for one in errors}


@pytest.mark.parametrize("batch", ["4", "0"])
def test_a_batch_needs_a_free_first_axis(batch: str, tmp_path: Path) -> None:
    config = edited("max_batch_size: 4", f"max_batch_size: {batch}")
    config = config if batch == "4" else config.replace("[1, 8, 8]", "[2, 1, 8, 8]").replace("[3]", "[2, 3]")
    rules = {one.rule for one in told(tmp_path, config, fixed_batch)}
    assert ("batch-axis" in rules) == (batch == "4")


def test_an_input_may_be_narrower_than_the_graph_s(tmp_path: Path) -> None:
    findings = told(tmp_path, GOOD.replace("dims: [3]", "dims: [-1]"), free_axis)
    assert findings == []


def test_a_scalar_is_declared_as_one_element(tmp_path: Path) -> None:
    def scalar(model: ModelProto) -> None:
        model.graph.output[0].type.tensor_type.ClearField("shape")
        model.graph.output[0].type.tensor_type.shape.SetInParent()

    assert told(tmp_path, edited("dims: [3]", "dims: [1]"), scalar) == []


def test_an_input_with_a_value_of_its_own_may_be_left_out_or_declared(tmp_path: Path) -> None:
    def default(model: ModelProto) -> None:
        weights = model.graph.initializer[0]
        value = model.graph.input.add(name=weights.name)
        value.type.tensor_type.elem_type = TensorProto.FLOAT
        for size in weights.dims:
            value.type.tensor_type.shape.dim.add(dim_value=size)

    assert told(tmp_path, GOOD, default) == []


WARNINGS: dict[str, tuple[str, str]] = {
    "a cache": ("cache-on", GOOD + "response_cache { enable: true }"),
    "batching without batches": (
        "batching-unused",
        edited("max_batch_size: 4", "max_batch_size: 0") + "dynamic_batching { }",
    ),
    "no count of instances": ("instance-count", edited("count: 1 ", "")),
    "hundreds of instances": ("instance-count", edited("count: 1 ", "count: 2000000000 ")),
    "random bytes for floats": ("warmup-random", warm_up("random_data: true")),
    "a warm-up of a thousand gigabytes": (
        "warmup-size",
        warm_up(dims="[1, 500000, 500000]").replace("dims: [1, 8, 8] }]", "dims: [1, -1, -1] }]"),
    ),
    "a negative number of threads": ("parameter", corpus.parameter("intra_op_thread_count", "-3")),
    "a graph level that is not known": ("graph-level", GOOD + "optimization { graph { level: 7 } }"),
    "a version that is not there": (
        "version-missing",
        GOOD + "version_policy { specific { versions: [1, 2] } }",
    ),
    "an environment to run": ("foreign-code", corpus.parameter("EXECUTION_ENV_PATH", "/x.tar.gz")),
    "a library to load": ("foreign-code", GOOD + 'model_operations { op_library_filename: "/x.so" }'),
    "a backend by its path": ("backend-path", edited('"onnxruntime"', '"../backends/onnxruntime"')),
    "a file for another GPU": ("cc-file-missing", GOOD + 'cc_model_filenames { key: "7.5" value: "other.onnx" }'),
    "a field of newer servers": ("config-newer", GOOD + "model_metrics { }"),
}


@pytest.mark.parametrize(("rule", "config"), WARNINGS.values(), ids=WARNINGS)
def test_what_loads_and_is_bad_is_a_warning(rule: str, config: str, tmp_path: Path) -> None:
    severities = {one.severity for one in told(tmp_path, config) if one.rule == rule}
    assert severities == {"warning"}


def test_a_library_in_the_folder_is_told_of(tmp_path: Path) -> None:
    (place(tmp_path, "model") / "libtriton_onnxruntime.so").write_text("")
    assert [one.rule for one in lint(tmp_path)] == ["foreign-code"]


@pytest.mark.parametrize("name", ["UPPER", "under_score", "-dash", "a" * 64])
def test_a_name_that_is_no_kubernetes_label_is_a_warning(name: str, tmp_path: Path) -> None:
    place(tmp_path, name)
    assert [(one.rule, one.severity) for one in lint(tmp_path)] == [("name-kubernetes", "warning")]


def test_a_good_model_and_its_labels_give_no_finding(tmp_path: Path) -> None:
    (place(tmp_path, "model", LABELLED) / "labels.txt").write_text("a\nb\nc\n")
    (tmp_path / "notes.json").write_text("{}")
    assert lint(tmp_path) == []


def test_every_configuration_by_name_is_checked(tmp_path: Path) -> None:
    configs = place(tmp_path, "model") / "configs"
    configs.mkdir()
    (configs / "gpu.pbtxt").write_text("nonsense")
    assert [(one.file, one.rule) for one in lint(tmp_path)] == [("configs/gpu.pbtxt", "config-syntax")]


@pytest.mark.parametrize("text", [f"{'a' * 100_000}: 1", 'name: "\n\x1b[2J"', "max_batch_size: " + "9" * 100_000])
def test_a_finding_is_one_short_line_that_no_terminal_acts_on(text: str, tmp_path: Path) -> None:
    (finding,) = told(tmp_path, text)
    assert str(finding).isprintable()
    assert len(str(finding)) < 500


def test_the_verb_prints_a_line_for_each_finding_and_refuses_where_one_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place(tmp_path, "first", GOOD + "response_cache { enable: true }")
    run([str(tmp_path)])
    assert "warning: first: config.pbtxt: cache-on: " in capsys.readouterr().out
    place(tmp_path, "second", None)
    with pytest.raises(BadInputError, match="1 errors and 1 warnings") as raised:
        run([str(tmp_path)])
    assert raised.value.exit_code == 2
    assert "error: second: config.pbtxt: config-missing: " in capsys.readouterr().out


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_what_is_no_folder_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="is no folder"):
        lint(tmp_path / name)


def test_an_empty_repository_is_a_warning(tmp_path: Path) -> None:
    assert [(one.rule, one.severity) for one in lint(tmp_path)] == [("repository-empty", "warning")]


def test_importing_lint_loads_neither_torch_nor_onnxruntime() -> None:
    code = "import sys, porting.repository.lint; sys.exit(bool({'torch', 'onnxruntime'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), check=False)
    assert done.returncode == 0


@pytest.mark.integration
def test_what_is_published_has_no_error(published: Path) -> None:
    assert Repository.load(published / "repository").variants
    assert [one for one in lint(published / "repository") if one.severity == "error"] == []


@pytest.mark.parametrize("name", ["a b", "a$(touch ran)", "a'b", "a\nb"])
def test_a_repository_in_a_place_that_a_shell_acts_on_is_an_error_also_behind_a_link(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    place(tmp_path / name, "model")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / name)
    for root in (tmp_path / name, link):
        (error,) = (one for one in lint(root) if one.severity == "error")
        assert (error.model, error.rule) == ("", "name-shell")
        assert "\n" not in error.message
