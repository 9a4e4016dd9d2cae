"""The benchmark of asked throughputs: what is refused is not met, and ends nothing."""

from pathlib import Path

import benchmark_targets
import pytest
from benchmark_targets import SPEED_UPS, Asked, figures, refusal


def test_a_refused_command_gives_its_reason() -> None:
    assert "unknown stage 'trian'" in refusal("stage=trian")


def test_a_refused_target_counts_as_not_met_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    *reached, refused = SPEED_UPS
    networks = [Asked(Path(), one, one) for one in reached]
    monkeypatch.setattr(benchmark_targets, "NETWORKS", {"net": []})
    monkeypatch.setattr(benchmark_targets, "pruned", lambda *_: (Path(), networks, {refused: "it is too much"}))
    monkeypatch.setattr(benchmark_targets, "speed_ups", lambda *_: {one: [one] for one in reached})
    found = dict(figures())
    assert found[f"throughputs met of {len(SPEED_UPS)}"].value == len(reached)
    missed = found[f"net: asked for × {refused:g}"]
    assert missed.value is None
    assert missed.note == "refused: it is too much"
