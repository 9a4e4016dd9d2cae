"""What a conversion gives."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from porting.files import whole_folder
from profiler.errors import BadInputError


@dataclass(frozen=True)
class Files:
    """Texts, and copies of published files, by their path in the folder that is to hold them."""

    texts: dict[str, str]
    copies: dict[str, Path] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """The folder with all in it, or none; raises `BadInputError` where it is there already."""
        if folder.exists():
            raise BadInputError(f"{folder} is there already: name a folder that is not, or move it away")
        with whole_folder(folder) as unfinished:
            for name, source in self.copies.items():
                (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, unfinished / name)
            for name, text in self.texts.items():
                (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
                (unfinished / name).write_text(text)
