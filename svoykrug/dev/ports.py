"""Ports of this machine: which are free, and who holds the others."""

import errno
import secrets
import socket

import psutil

from svoykrug.dev.console import Problem

LOOPBACK = "127.0.0.1"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen here now.

    Both questions are asked: macOS lets two servers bind when one took all addresses, and a
    refused connection alone says nothing about a server on another address.
    """
    probe = LOOPBACK if host in ("0.0.0.0", "localhost") else host  # noqa: S104
    with socket.socket() as client:
        client.settimeout(1)
        if client.connect_ex((probe, port)) == 0:
            return False
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((host, port))
        except PermissionError as wrong:
            raise Problem(
                f"Port {port} is reserved for the administrator: take one over 1023."
            ) from wrong
        except OSError as wrong:
            if wrong.errno == errno.EADDRNOTAVAIL:
                raise Problem(f"HOST={host} is not an address of this machine.") from wrong
            return False
    return True


def choose(avoid: frozenset[int] = frozenset()) -> int:
    """A free port below the range that systems hand out to outgoing connections."""
    for _ in range(200):
        port = 20_000 + secrets.randbelow(10_000)
        if port not in avoid and is_free(port):
            return port
    raise Problem("No free port between 20000 and 30000 was found.")


def holder(port: int) -> str:
    """Name and pid of the process listening on the port, or an empty string if it is hidden."""
    try:
        for connection in psutil.net_connections("tcp"):
            here = connection.laddr and connection.laddr.port == port
            if here and connection.status == psutil.CONN_LISTEN and connection.pid:
                return f"{psutil.Process(connection.pid).name()}, pid {connection.pid}"
    except (psutil.Error, OSError):
        return ""
    return ""
