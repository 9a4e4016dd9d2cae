"""The wall clock may step: it gives the record its date, and decides no figure."""

import ast
import itertools
import re
import time
from pathlib import Path

import pytest
from support import ROOT
from survival import level, profiled

from profiler.common.target import Target
from profiler.target.prepared_target import prepared_target

pytestmark = pytest.mark.alone


def test_a_clock_that_steps_moves_no_figure(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    steps_s = itertools.cycle([0, 86400, -86400])
    monkeypatch.setattr(time, "time", lambda: now + next(steps_s))
    monkeypatch.setattr(time, "time_ns", lambda: int(1e9 * time.time()))
    with prepared_target("here", Target(runtime="onnxruntime")) as ready:
        profile = profiled(ready, network, level(1))
    assert not profile.missing
    assert profile.seconds < 3600
    assert max(point.mean_ms for point in profile.latency) < 3600e3
    assert all(point.answers / point.images_per_s < 3600 for point in profile.throughput)


def wall_clocks(source: str) -> list[str]:
    """Every mention of a clock that can be set."""
    tree = ast.parse(source)
    named = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            named |= {f"{node.module}.{alias.name}" for alias in node.names}
    setable = re.compile(r"\b(time\.(time|time_ns|ctime|localtime|gmtime)|(datetime|date)\.(now|utcnow|today))$")
    return sorted(name for name in named if setable.search(name))


def test_only_the_date_of_the_record_is_read_from_a_clock_that_can_be_set() -> None:
    assert wall_clocks("import time\nfrom time import time_ns\na = time.time") == ["time.time", "time.time_ns"]
    read = {str(path.relative_to(ROOT)): wall_clocks(path.read_text()) for path in (ROOT / "profiler").rglob("*.py")}
    assert {path: names for path, names in read.items() if names} == {
        # The date of a report.
        "profiler/common/ending.py": ["datetime.now"],
        "profiler/profiling.py": ["datetime.now"],
    }
    assert (ROOT / "profiler" / "profiling.py").read_text().count("measured_at=datetime.now(UTC)") == 1
