"""The verb lint joins the rules on any Triton repository with those on a published one."""

from pathlib import Path

import pytest
from model_folders import GOOD, place

from porting.commands.lint import run
from porting.repository.integrity import published_rules
from profiler.common.errors import BadInputError
from profiler.triton.lint import lint


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


@pytest.mark.integration
def test_what_is_published_has_no_error(published: Path) -> None:
    root = published / "repository"
    assert list(root.glob("*/config.pbtxt"))
    assert [one for one in lint(root, published_rules(root)) if one.severity == "error"] == []
