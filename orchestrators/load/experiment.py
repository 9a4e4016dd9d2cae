"""When a stress test has seen enough (thesis 5.2.2).

There steps grow until requests are significantly out of time or answers fail. The thesis gives no figure for
"significantly"; here it is a share of a step's requests, of which those without an answer are out of time too.
"""

import numpy as np

LATE_SHARE = 0.1


def overloaded_rps(rates_rps: np.ndarray, sent: np.ndarray, late: np.ndarray) -> float | None:
    """The lowest rate of a step in which more than `LATE_SHARE` of what was sent was late; None where there is none.

    Of each step its rate, and how many requests were sent and late, (steps,).
    """
    found = rates_rps[late > LATE_SHARE * sent]
    return float(found.min()) if len(found) else None
