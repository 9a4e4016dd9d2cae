"""Looks how long one core is held up: `stall_probe.py PARENT CORE AT_ZERO` prints a line a second until PARENT is gone.

AT_ZERO is the Unix time at which the monotonic clock was 0. A line is the Unix second, the longest that a turn of 5 ms
of sleep and a little work took longer than its sleep, in s, and the time that the hypervisor took from the core, in s.
A process of its own with real-time priority: whatever else is started on the core gives way to it, so only the machine
itself can hold it up. Where the system does not let it have that, which takes CAP_SYS_NICE, it waits for servers and
clients too, so that no time is called held up.
"""

import os
import sys
import time

SLEEP_S = 5e-3
WORK = 2000
STEAL = 8  # proc(5), /proc/stat: its place in the line of a core


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
            # The turn reaches into the second that begins.
            longest_s = held_s if urgent else 0.0
        began = now


def has_priority() -> bool:
    """Takes the least of the real-time priorities, which is above all that is not one."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return False
    return True


def stolen(core: int) -> float:
    """Seconds that the hypervisor took from the core since the start; 0 where the system does not tell."""
    try:
        with open("/proc/stat") as file:  # noqa: PTH123
            fields = next((line.split() for line in file if line.startswith(f"cpu{core} ")), [])
    except OSError:
        return 0.0
    return int(fields[STEAL]) / os.sysconf("SC_CLK_TCK") if len(fields) > STEAL else 0.0


if __name__ == "__main__":
    main()
