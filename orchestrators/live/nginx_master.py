"""Reloads of a running NGINX by its signal (nginx.org/en/docs/control.html)."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from profiler.common.errors import ServerError

RELOAD_LIMIT_S = 20.0
DRAIN_LIMIT_S = 60.0
POLL_S = 0.01


def reload(pid_file: Path) -> list[psutil.Process]:
    """Makes the NGINX with this process id read its files again; then new workers take all new connections.

    Returns the old workers, which end when they have answered their requests. Raises `ServerError` where NGINX does
    not run, or keeps its old settings.
    """
    try:
        process = psutil.Process(int(pid_file.read_text()))
        # A stale pid file may name another process, which the signal would kill.
        if process.name() != "nginx":
            raise ValueError(f"process {process.pid} is {process.name()}")
        before = process.children()
        process.send_signal(signal.SIGHUP)
        reloaded = wait_for(lambda: replaced(process, before), RELOAD_LIMIT_S)
    except (OSError, ValueError, psutil.Error) as error:
        raise ServerError(f"{pid_file} names no NGINX that can be reloaded ({error}): start it") from error
    if not reloaded:
        raise ServerError(
            f"NGINX (process {process.pid}) started no new workers within {RELOAD_LIMIT_S:g} s of a reload: "
            "its log and nginx -t have the reason"
        )
    return before


def replaced(master: psutil.Process, before: list[psutil.Process]) -> bool:
    """Whether there are new workers, and the workers `before` are ending."""
    return bool(set(master.children()) - set(before)) and all(map(ending, before))


def ending(worker: psutil.Process) -> bool:
    """Whether the worker is shutting down, as its process title states, or has ended."""
    try:
        return "shutting down" in " ".join(worker.cmdline())
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(workers: list[psutil.Process]) -> None:
    """Returns when the workers have answered all their requests and ended; raises `ServerError` at the limit."""
    _, left = psutil.wait_procs(workers, DRAIN_LIMIT_S)
    if left:
        pids = [worker.pid for worker in left]
        raise ServerError(f"NGINX's workers {pids} still answer requests {DRAIN_LIMIT_S:g} s after a reload")


def wait_for(condition: Callable[[], bool], limit_s: float) -> bool:
    """Whether the condition becomes true within the limit."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_S)
    return True
