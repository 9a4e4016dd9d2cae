from pathlib import Path

import profiler  # turns off the telemetry of libraries

# Another package of this name may lie earlier on the import path.
if Path(str(profiler.__file__)).parent != Path(__file__).parent.parent / "profiler":
    raise ImportError(f"{profiler.__file__} hides the package 'profiler' of dnn-porting: take it off the import path")
