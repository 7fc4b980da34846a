"""Servers of a profile: up, down, and who is still using them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from svoykrug.dev import envfile, jwtkeys, ports
from svoykrug.dev.checkout import Profile, exclusive, lock, try_lock
from svoykrug.dev.console import Problem, say
from svoykrug.dev.postgres import Postgres
from svoykrug.dev.valkey import Valkey

ATTEMPTS = 3


def servers(profile: Profile) -> dict[str, Postgres | Valkey]:
    """Our servers by the variable that holds their address."""
    return {"DATABASE_URL": Postgres(profile), "REDIS_URL": Valkey(profile)}


def up(profile: Profile, *, keep: bool = True) -> dict[str, str]:
    """Start what does not run yet and return the environment for children.

    With `keep` the servers stay until `down`; without it they go with their last user.
    Raises Problem.
    """
    profile.prepare()
    with exclusive(profile.state / "services.lock"):
        started = _start(profile)
        auto = _auto(profile)
        if keep:
            auto.unlink(missing_ok=True)
        elif started:
            auto.touch()
    return envfile.effective(profile)


def _start(profile: Profile) -> bool:
    _refuse_lost_keys(profile)
    addresses = envfile.write(profile)
    jwtkeys.ensure(profile.state / "jwt")
    started = False
    for name, server in servers(profile).items():
        if not envfile.external(name) and not server.is_up(addresses[name]):
            addresses = _start_one(profile, name, server, addresses)
            started = True
    return started


def _start_one(
    profile: Profile, name: str, server: Postgres | Valkey, addresses: Mapping[str, str]
) -> dict[str, str]:
    """Start on the remembered port, or on another one when it was taken meanwhile."""
    server.stop()
    current = dict(addresses)
    taken: frozenset[int] = frozenset()
    for attempt in range(ATTEMPTS):
        port = envfile.port_of(current[name])
        if ports.is_free(port):
            try:
                server.start(current[name])
                return current
            except Problem:
                # Somebody may have been faster between the look and the start.
                if attempt == ATTEMPTS - 1 or ports.is_free(port):
                    raise
        taken |= {port}
        current = envfile.write(profile, taken=taken)
    raise Problem(f"{server.title} found no free port.")


def _refuse_lost_keys(profile: Profile) -> None:
    if not profile.env_file.exists() and Postgres(profile).data.exists():
        raise Problem(
            f"{profile.env_file} with the keys is gone, and the data cannot be read without them. "
            "Put the file back, or start afresh: make clean."
        )


def down(profile: Profile) -> None:
    """Stop our servers, whoever uses them."""
    if not profile.state.exists():
        return
    with exclusive(profile.state / "services.lock"):
        _stop(profile)


def _stop(profile: Profile) -> None:
    for server in servers(profile).values():
        server.stop()
    _auto(profile).unlink(missing_ok=True)


def revive(profile: Profile) -> None:
    """Start a server again that ended under a running project."""
    for name, server in servers(profile).items():
        if not envfile.external(name) and not server.is_running():
            say(f"{server.title} ended; starting it again.")
            up(profile, keep=False)


@contextmanager
def in_use(profile: Profile, *, own: bool = False) -> Iterator[dict[str, str]]:
    """Servers for the time of a block; the last user who found them stopped stops them again.

    With `own` they are stopped even if somebody had started them by hand before.
    """
    profile.prepare()
    users = profile.state / "users.lock"
    with exclusive(profile.state / "start.lock"):
        ticket = lock(users, shared=True)
        try:
            environment = up(profile, keep=False)
        except BaseException:
            os.close(ticket)
            raise
        if own:
            _auto(profile).touch()
    try:
        yield environment
    finally:
        _leave(profile, users, ticket)


def _leave(profile: Profile, users: Path, ticket: int) -> None:
    with suppress(FileNotFoundError), exclusive(profile.state / "start.lock"):
        os.close(ticket)
        alone = try_lock(users)
        if alone is None:
            return
        if _auto(profile).exists():
            down(profile)
        os.close(alone)


def _auto(profile: Profile) -> Path:
    return profile.state / "stop-after-last-user"


def status(profile: Profile) -> dict[str, str]:
    """State of each server in a word or two, by its title."""
    addresses = envfile.read(profile)
    report = {}
    for name, server in servers(profile).items() if profile.env_file.exists() else ():
        if envfile.external(name):
            report[server.title] = f"given by {name}"
        elif server.is_up(addresses.get(name, "")):
            report[server.title] = f"up, port {envfile.port_of(addresses[name])}"
        else:
            report[server.title] = "stopped"
    return report
