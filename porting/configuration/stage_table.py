"""The stages in order, with the module of each and the stage that must come before."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A row: `porting.stages.<module>` lists the work and `<module>_work` does it; `needs` and `before` explain what is
    missing.

    `needs` and `before` are the missing input and the stage that makes it, for the message. `feeds` is an earlier stage
    that gets new work from this one.
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
