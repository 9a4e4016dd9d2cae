"""Whether the user answers for foreign files: `DNN_PORTING_TRUST=1`.

It is a word about this machine and these files, so it is no setting of a run and part of no key.
"""

import os

TRUST = "DNN_PORTING_TRUST"


def trusted() -> bool:
    """Foreign programs may run where nothing confines them."""
    return os.environ.get(TRUST) == "1"
