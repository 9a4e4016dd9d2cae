"""What a conversion gives."""

from dataclasses import dataclass, field
from pathlib import Path

from profiler.common.errors import BadInputError
from profiler.common.folders import whole_folder


@dataclass(frozen=True)
class Files:
    """Texts, and published files, by their path in the folder that is to hold them."""

    texts: dict[str, str]
    contents: dict[str, bytes] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """The folder with all in it, or none; raises `BadInputError` where it is there already."""
        if folder.exists():
            raise BadInputError(f"{folder} is there already: name a folder that is not, or move it away")
        with whole_folder(folder) as unfinished:
            texts = {name: text.encode() for name, text in self.texts.items()}
            for name, content in (self.contents | texts).items():
                (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
                (unfinished / name).write_bytes(content)
