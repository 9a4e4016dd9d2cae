import profiler  # noqa: F401  (what would report to its maker is told not to)
