"""PostgreSQL and Valkey of the faults alone, in the profile `faults`: they are killed as often as
asked and take nobody else with them. Durable as in production, unlike the servers of tests."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from svoykrug.dev import embedded, processes
from svoykrug.dev.checkout import Profile, outside_folder
from svoykrug.dev.postgres import Postgres
from svoykrug.dev.valkey import Valkey

PROFILE = Profile("faults")
DISK = "1200m"


class Servers:
    def __init__(self, environment: dict[str, str], *, small_disk: str) -> None:
        self.environment = environment
        self.postgres_url = environment["DATABASE_URL"]
        self.redis_url = environment["REDIS_URL"]
        self.postgres, self.valkey = Postgres(PROFILE), Valkey(PROFILE)
        self.no_small_disk = small_disk
        with (self.postgres.data / "postgresql.conf").open("a") as more:
            more.write("max_wal_size = 128MB\nmin_wal_size = 64MB\n")
        self.connect().execute("SELECT 1")

    def connect(self, **options: object) -> "psycopg.Connection[tuple]":
        return psycopg.connect(self.postgres_url, autocommit=True, connect_timeout=5, **options)

    # --- PostgreSQL ------------------------------------------------------------------------------
    def kill_postgres(self) -> None:
        """kill −9 of the main process and of every process that serves it."""
        self._kill(self.postgres._processes())

    def kill_backend(self, pid: int) -> None:
        """kill −9 of one serving process: the main one then restarts all of them."""
        with suppress(psutil.NoSuchProcess):
            self._kill([psutil.Process(pid)])

    def start_postgres(self) -> None:
        if not self.postgres.is_up(self.postgres_url):
            self.postgres.stop()
            self.postgres.start(self.postgres_url)

    # --- Valkey ----------------------------------------------------------------------------------
    def kill_valkey(self, *, lose_everything: bool = False) -> None:
        self._kill(processes.in_folder(self.valkey.folder))
        if lose_everything:
            for path in self.valkey.folder.glob("appendonlydir"):
                shutil.rmtree(path)

    def start_valkey(self) -> None:
        if not self.valkey.is_up(self.redis_url):
            self.valkey.start(self.redis_url)

    @staticmethod
    def _kill(found: list[psutil.Process]) -> None:
        for process in found:
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(found, timeout=10)

    # --- the disk --------------------------------------------------------------------------------
    @contextmanager
    def disk_full(self) -> Iterator[None]:
        """All of the small disk under PostgreSQL taken by somebody else's file."""
        ballast = self.postgres.folder / "ballast"
        with ballast.open("wb", buffering=0) as file:
            chunk = b"\0" * 65_536
            try:
                while True:
                    file.write(chunk)
            except OSError:
                pass
        try:
            yield
        finally:
            ballast.unlink()


def _place() -> Path:
    return outside_folder() / PROFILE.name if os.geteuid() == 0 else PROFILE.state


def _mount(place: Path) -> str:
    """A small disk for the data; why there is none, or nothing."""
    if os.geteuid() != 0:
        return "only the administrator may mount a small disk"
    place.mkdir(parents=True, exist_ok=True)
    outside_folder().chmod(0o711)
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=711", "tmpfs", str(place)]
    done = subprocess.run(words, capture_output=True, text=True)
    return f"a small disk cannot be mounted here: {done.stderr.strip()}" if done.returncode else ""


def _sweep() -> None:
    """Servers down, the small disk away; logs of processes stay until the next run."""
    embedded.down(PROFILE)
    place = _place()
    if os.path.ismount(place):
        subprocess.run(["umount", "-l", str(place)], check=False)
    shutil.rmtree(place, ignore_errors=True)
    for path in PROFILE.state.glob("*"):
        if path.name != "logs":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def servers() -> Iterator[Servers]:
    _sweep()
    shutil.rmtree(PROFILE.logs, ignore_errors=True)
    small_disk = _mount(_place())
    try:
        with embedded.in_use(PROFILE, own=True) as environment:
            yield Servers(environment, small_disk=small_disk)
    finally:
        log = Postgres(PROFILE).log
        if log.exists():
            shutil.copy(log, PROFILE.logs / "postgres.log")
        _sweep()
