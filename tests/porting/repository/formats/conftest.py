"""The made-up profiles and points lie one folder up."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))
