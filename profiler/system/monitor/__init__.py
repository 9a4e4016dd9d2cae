"""The state of a machine, its processes and its GPUs, from moment to moment."""
