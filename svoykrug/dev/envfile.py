"""The environment of a profile: `dev.env`, made once, its secrets kept on later starts."""

import base64
import os
import secrets
import shlex
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from svoykrug.dev import ports
from svoykrug.dev.checkout import PROFILES, Profile, replace_text
from svoykrug.dev.console import Problem

HEADER = """\
# Written by `make run` and `make test`. Secrets are kept, addresses are renewed at every start.
# A variable of the real environment wins over this file. Never commit it.
"""


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


SECRETS: Mapping[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "FIELD_KEYS": lambda: f"k1:{_key()}",
    "INDEX_KEY": _key,
    "CODE_PEPPER": _key,
    "ANALYTICS_KEY": _key,
}


def read(profile: Profile) -> dict[str, str]:
    """What the file says; empty when it does not exist."""
    try:
        lines = profile.env_file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except OSError as wrong:
        raise Problem(f"Cannot read {profile.env_file}: {wrong.strerror}.") from wrong
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value for name, _, value in pairs}


def external(name: str) -> str:
    """A value of the real environment that did not come from our own files."""
    value = os.environ.get(name, "")
    own = (read(Profile(profile)).get(name) for profile in PROFILES)
    return "" if value in own else value


def write(profile: Profile, *, taken: frozenset[int] = frozenset()) -> dict[str, str]:
    """Compose the file anew and return it. Ports in `taken` are given up for others."""
    kept = read(profile)
    fresh = (
        {"ENVIRONMENT": "test" if profile.name == "test" else "development"}
        | _servers(profile, kept, taken)
        | {name: kept.get(name) or make() for name, make in SECRETS.items()}
        | _places(profile)
        | _site()
    )
    # Keys added by hand (a provider's, say) stay.
    whole = kept | fresh
    replace_text(profile.env_file, HEADER + "".join(f"{k}={v}\n" for k, v in whole.items()))
    return whole


def _servers(profile: Profile, kept: Mapping[str, str], taken: frozenset[int]) -> dict[str, str]:
    """Addresses of our own servers, kept even while one given from outside is used instead."""
    password, postgres = _address(kept.get("DATABASE_URL", ""), taken)
    secret, valkey = _address(kept.get("REDIS_URL", ""), taken | {postgres})
    return {
        "DATABASE_URL": f"postgres://svoykrug:{password}@{ports.LOOPBACK}:{postgres}/svoykrug",
        "REDIS_URL": f"redis://:{secret}@{ports.LOOPBACK}:{valkey}",
        "CLICKHOUSE_URL": f"chdb://{profile.state}/clickhouse?database=svoykrug",
    }


def _address(url: str, taken: frozenset[int]) -> tuple[str, int]:
    port = port_of(url)
    if not port or port in taken:
        port = ports.choose(taken)
    return urlsplit(url).password or secrets.token_hex(20), port


def port_of(url: str) -> int:
    """Port of an address; 0 when there is none or it is no number."""
    try:
        return urlsplit(url).port or 0
    except ValueError:
        return 0


def _places(profile: Profile) -> dict[str, str]:
    return {
        "JWT_KEYS_DIR": str(profile.state / "jwt"),
        "DEV_SMS_FILE": str(profile.state / "sms.jsonl"),
    }


def web_port() -> int:
    """PORT of the real environment, 8000 by default. Raises Problem when it is not a port."""
    text = os.environ.get("PORT", "").strip() or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise Problem(f"PORT={text} is not a port: give a number from 1024 to 65535.")
    return int(text)


def _site() -> dict[str, str]:
    port = web_port()
    hosts = ["127.0.0.1", "localhost", "[::1]"]
    if os.environ.get("HOST") == "0.0.0.0":  # noqa: S104 — asked for: any name may lead here
        hosts.append("*")
    return {
        "ALLOWED_HOSTS": ",".join(hosts),
        "SITE_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
    }


def effective(profile: Profile) -> dict[str, str]:
    """Environment for a child process: the file, and over it what the person set."""
    chosen = read(profile)
    for name in chosen:
        if name not in ("PORT", "ENVIRONMENT") and (value := external(name)):
            chosen[name] = value
    if profile.name == "run" and (value := external("ENVIRONMENT")):
        chosen["ENVIRONMENT"] = value
    return {**os.environ, **chosen}


def exports(profile: Profile) -> str:
    """Lines for `eval` in a shell."""
    values = effective(profile)
    return "\n".join(f"export {name}={shlex.quote(values[name])}" for name in read(profile))
