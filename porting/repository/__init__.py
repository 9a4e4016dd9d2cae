"""The published format: `Repository.load(folder)` reads a repository, without torch."""

from porting.repository.reader import Repository

__all__ = ["Repository"]
