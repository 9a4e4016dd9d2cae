"""Published planners, one folder each: `Problem` and `Plan` as values, a pure `solve`, and `from_repository`."""
