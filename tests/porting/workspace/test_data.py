"""The data module of a run, as stages see it."""

from types import SimpleNamespace

import pytest
from unfinished import unfinished

from porting.configuration.components import NamedComponent
from porting.workspace.data import Data
from profiler.common.errors import BadInputError


@pytest.mark.parametrize("classes", [[], ["a"]])
def test_a_data_module_with_nothing_to_tell_apart_is_refused(
    classes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = SimpleNamespace(setup=lambda: None, classes=classes)
    monkeypatch.setattr(NamedComponent, "build", lambda _: module)
    data = Data(unfinished(NamedComponent, name="mine"))
    with pytest.raises(BadInputError, match=f"datamodule mine has {len(classes)} classes, and .* another class"):
        data.labels  # noqa: B018
