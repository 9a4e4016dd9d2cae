"""A network with this host alone, which hears every name that is asked for and every address that is spoken to.

`python tests/servers/lonely_network.py HEARD COMMAND...`, in network and mount namespaces of its own, runs the command
and writes what was heard to the file HEARD. Every address leads back to the host, and every name has one.
"""

import json
import socket
import subprocess
import sys
import tempfile
import threading
from ipaddress import ip_address
from pathlib import Path

NAMES_PORT = 53
ANYWHERE = "203.0.113.1"
ALL_PROTOCOLS = 3
ROUTES = (
    ["ip", "link", "set", "lo", "up"],
    ["ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo"],
    ["ip", "-6", "route", "add", "local", "::/0", "dev", "lo"],
)


def main() -> int:
    """The command's exit code."""
    heard: list[str] = []
    with tempfile.NamedTemporaryFile("w") as resolver:
        resolver.write("nameserver 127.0.0.1\n")
        resolver.flush()
        mount = ["mount", "--bind", resolver.name, str(Path("/etc/resolv.conf").resolve())]
        for command in (*ROUTES, mount):
            subprocess.run(command, check=True)
        for listen in (names, addresses):
            ready = threading.Event()
            threading.Thread(target=listen, args=(heard, ready), daemon=True).start()
            ready.wait()
        code = subprocess.run(sys.argv[2:]).returncode
        Path(sys.argv[1]).write_text(json.dumps(sorted(set(heard))))
    return code


def names(heard: list[str], ready: threading.Event) -> None:
    """A name server: answers every question for an IPv4 address, and that there is nothing else."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", NAMES_PORT))
        ready.set()
        while True:
            question, client = server.recvfrom(4096)
            labels, position = [], 12
            while length := question[position]:
                labels.append(question[position + 1 : position + 1 + length].decode("ascii", "replace"))
                position += 1 + length
            heard.append(".".join(labels))
            asked = question[12 : position + 5]
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(ANYWHERE) if asked[-4:-2] == b"\0\1" else b""
            counts = bytes([0, 1, 0, bool(answer), 0, 0, 0, 0])
            server.sendto(question[:2] + b"\x81\x80" + counts + asked + answer, client)


def addresses(heard: list[str], ready: threading.Event) -> None:
    """Every address but the loopback's that a packet is sent to."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL_PROTOCOLS)) as everything:
        ready.set()
        while True:
            packet = everything.recv(64)
            address = ip_address(packet[16:20] if packet[0] >> 4 == 4 else packet[24:40])
            # What answers comes from that address and goes to the same.
            if not address.is_loopback:
                heard.append(str(address))


if __name__ == "__main__":
    sys.exit(main())
