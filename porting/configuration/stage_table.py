"""The stages in order, with the module and the input of each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A stage: `porting.stages.<module>` lists its jobs, and `<module>_work` does them.

    `needs` is its input and `before` the stage that makes this input, for the message where the input is missing.
    `feeds` is an earlier stage that gets new jobs from this one.
    """

    name: str
    module: str
    needs: str = ""
    before: str = ""
    needs_data: bool = True
    feeds: str = ""


STAGES = (
    Stage("train", "train"),
    Stage("import", "import_model", needs_data=False),
    Stage("prune", "prune", "a trained or imported torch network", "train"),
    Stage("finetune", "finetune", "a pruned network", "prune", feeds="prune"),
    Stage("export", "export", "a torch network", "train", needs_data=False),
    Stage("quantize", "quantize", "an exported fp32 file", "export"),
    Stage("profile", "profile", "an exported file", "export", needs_data=False),
    Stage("publish", "publish", "a profiled variant", "profile", needs_data=False),
)
NAMES = tuple(stage.name for stage in STAGES)
SOURCES = ("train", "import")


def row_of(stage: str) -> Stage:
    """The row of a stage."""
    return next(one for one in STAGES if one.name == stage)
