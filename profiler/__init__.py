"""Measures one ONNX file on one target.

ONNX Runtime, MLflow and other libraries send telemetry from threads that would disturb a measurement. They read the
variables that switch telemetry off once, at their import. Every package of this project imports this one before them,
and child processes have the same environment.
"""

import os

# The profiler is the command `python -m profiler`; docs/interface.md lists the modules for import.
__all__: list[str] = []

for _name, _value in {
    "ORT_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    # CUDA numbers the GPUs as NVML does.
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
}.items():
    os.environ.setdefault(_name, _value)
