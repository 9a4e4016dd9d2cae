"""Published planners, each a folder: `problem` and `plan` as values, a pure `solve`, and `from_repository`."""
