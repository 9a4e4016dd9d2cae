from pathlib import Path

import profiler  # what would report to its maker is told not to

# Somebody else's package of that bare name may lie earlier on the path.
if Path(str(profiler.__file__)).parent != Path(__file__).parent.parent / "profiler":
    raise ImportError(f"{profiler.__file__} hides the package 'profiler' of dnn-porting: take it off the import path")
