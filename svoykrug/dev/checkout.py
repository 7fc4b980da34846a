"""Where a checkout keeps its state, and what it is called."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from svoykrug.dev.console import Problem

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / ".run"
SHARED_TMP = Path("/var/tmp").resolve()  # noqa: S108 — survives a reboot; our name is random
PROFILES = ("run", "test", "bench", "faults")


@dataclass(frozen=True)
class Profile:
    """Servers with their own ports, secrets and data: `run`, `test`, `bench` or `faults`."""

    name: str

    @property
    def state(self) -> Path:
        return RUN if self.name == "run" else RUN / self.name

    @property
    def env_file(self) -> Path:
        return self.state / "dev.env"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    def prepare(self) -> None:
        """Make the folders. Raises Problem when they belong to somebody else."""
        try:
            RUN.mkdir(mode=0o700, exist_ok=True)
        except OSError as wrong:
            raise Problem(f"Cannot create {RUN}: {wrong.strerror}.") from wrong
        if RUN.stat().st_uid != os.geteuid():
            raise Problem(
                f"The folder {RUN} belongs to another account: run make as that account, "
                "or remove the folder."
            )
        for name in ("logs", "clickhouse", "valkey"):
            (self.state / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = RUN / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")


def outside_folder() -> Path:
    """Folder of this checkout outside of it, for servers that may not run as root."""
    return SHARED_TMP / f"svoykrug-{checkout_id()}"


def checkout_id() -> str:
    """A random name of this checkout, made once.

    A copied checkout gets its own; a moved one keeps the old. The path alone would not do: a new
    clone at the same place must never meet the data of the old one.
    """
    with exclusive(RUN / "id.lock"):
        known, path = _read_id(RUN / "id")
        if known and path != str(ROOT) and _read_id(Path(path) / ".run" / "id")[0] == known:
            known = ""
        known = known or secrets.token_hex(6)
        replace_text(RUN / "id", f"{known}\n{ROOT}\n")
    return known


def _read_id(file: Path) -> tuple[str, str]:
    try:
        lines = [*file.read_text().splitlines(), "", ""]
    except OSError:
        return "", ""
    return lines[0].strip(), lines[1]


def replace_text(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a file lock; the system drops it when the process dies, however it dies."""
    descriptor = lock(path)
    try:
        yield
    finally:
        os.close(descriptor)


def lock(path: Path, *, shared: bool = False) -> int:
    """Wait for the lock and return its descriptor; closing the descriptor lets it go."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    return descriptor


def try_lock(path: Path) -> int | None:
    """Like `lock`, but returns None at once when somebody else holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
