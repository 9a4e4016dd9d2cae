"""The rules of the trivial policy, as a pure state machine with one step a second."""

from orchestrators.policies.rules.state import THESIS, Move, Rule, Settings, State
from orchestrators.policies.rules.step import step

__all__ = ["THESIS", "Move", "Rule", "Settings", "State", "step"]
