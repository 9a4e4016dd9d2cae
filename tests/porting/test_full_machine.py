"""A machine whose disk fills or whose ports run out: one line with the fix, and the same command goes on afterwards."""

import shlex
import subprocess
from pathlib import Path

import pytest
from support import NAMESPACES, TINY, Run, command_line, environment, needs_namespaces

# Less than the whole workspace: it is full while the variant or the repository is written.
SMALL_DISK = """
ip link set lo up
mount -t tmpfs -o size={size} none {place}
{command}; echo "first $?"
mount -o remount,size=100M {place}
{command}; echo "second $?"
"""
# One for the server, and too few for those who ask it.
FEW_PORTS = """
ip link set lo up
echo 40000 40002 > /proc/sys/net/ipv4/ip_local_port_range || echo not allowed
{command}; echo "first $?"
"""


def run(script: str) -> Run:
    """The shell script in a network and mounts of its own."""
    needs_namespaces()
    done = subprocess.run(
        [*NAMESPACES, "bash", "-c", script], env=environment(), capture_output=True, text=True, timeout=300
    )
    return Run(done.returncode, done.stdout, done.stderr)


def the_line(run: Run) -> str:
    (line,) = run.err.splitlines()
    return line


@pytest.mark.integration
@pytest.mark.parametrize("size", [pytest.param("900k", marks=pytest.mark.slow), "1500k"])
def test_a_disk_that_fills_is_named_and_the_same_command_ends_well_when_there_is_room(
    tmp_path: Path, size: str
) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    command = shlex.join(command_line(*TINY, f"workspace={place / 'workspace'}"))
    found = run(SMALL_DISK.format(size=size, place=place, command=command))
    assert "first 1" in found.out
    assert "No space left on device" in the_line(found)
    assert "free some space" in the_line(found)
    assert "second 0" in found.out


@pytest.mark.integration
def test_ports_that_run_out_are_told_with_the_fix(tmp_path: Path) -> None:
    command = shlex.join(command_line(*TINY, f"workspace={tmp_path / 'workspace'}"))
    found = run(FEW_PORTS.format(command=command))
    if "not allowed" in found.out:
        pytest.skip("this machine lets nobody choose the ports of a network of its own")
    assert "first 1" in found.out
    assert "Cannot assign requested address" in the_line(found)
    assert "widen net.ipv4.ip_local_port_range" in the_line(found)
