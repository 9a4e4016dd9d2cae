"""Standard streams that were closed before the program began."""

import os


def hold_places() -> None:
    """Gives a closed standard stream its number back, before a file gets it that others would then write into."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
