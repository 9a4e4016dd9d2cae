"""Measures hold-ups of one core: `stall_probe.py PARENT CORE AT_ZERO` prints a line a second until PARENT is gone.

AT_ZERO is the Unix time at which the monotonic clock was 0. A line has the Unix second, the longest delay of a turn
(5 ms of sleep and a little work) beyond its sleep in s, and the time that the hypervisor took from the core in s. The
probe is a process with real-time priority: all other processes on the core give way to it, so that only the machine
itself can delay it. Without that priority, which needs CAP_SYS_NICE, it also waits for servers and clients, and so
reports no delay.
"""

import os
import sys
import time

SLEEP_S = 5e-3
WORK = 2000
STEAL = 8  # proc(5), /proc/stat: the index of stolen time in the line of a core


def main() -> None:
    """Prints a line for each second until the parent process is gone."""
    parent, core, to_unix_s = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    os.sched_setaffinity(0, [core])
    urgent = has_priority()
    began, stolen_s, longest_s = time.monotonic(), stolen(core), 0.0
    while os.getppid() == parent:
        time.sleep(SLEEP_S)
        sum(range(WORK))
        now = time.monotonic()
        held_s = now - began - SLEEP_S
        longest_s = max(longest_s, held_s) if urgent else 0.0
        ended = range(int(began + to_unix_s), int(now + to_unix_s))
        if ended:
            before_s, stolen_s = stolen_s, stolen(core)
            for second in ended:
                print(second, longest_s, stolen_s - before_s, flush=True)
            # This turn also belongs to the second that begins.
            longest_s = held_s if urgent else 0.0
        began = now


def has_priority() -> bool:
    """Sets the lowest real-time priority, which is above all other priorities; returns whether that is allowed."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return False
    return True


def stolen(core: int) -> float:
    """Seconds that the hypervisor took from the core since the start; 0 where that is unknown."""
    try:
        with open("/proc/stat") as file:  # noqa: PTH123
            fields = next((line.split() for line in file if line.startswith(f"cpu{core} ")), [])
    except OSError:
        return 0.0
    return int(fields[STEAL]) / os.sysconf("SC_CLK_TCK") if len(fields) > STEAL else 0.0


if __name__ == "__main__":
    main()
