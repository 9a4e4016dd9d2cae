"""The published format. `Repository.load(folder)` reads one; importing this loads no torch."""

from porting.repository.reader import Repository

__all__ = ["Repository"]
