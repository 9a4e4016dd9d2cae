"""Measures one ONNX file on one target.

ONNX Runtime, MLflow and others report to their makers, from threads that run beside what is measured. They read once,
when they are imported, that they shall not. Everything of this project imports this package before it imports them,
and what it starts has the same environment.
"""

import os

# The profiler is used as the command `python -m profiler`; docs/interface.md has what is imported.
__all__: list[str] = []

for _name, _value in {"ORT_DISABLE_TELEMETRY": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}.items():
    os.environ.setdefault(_name, _value)
