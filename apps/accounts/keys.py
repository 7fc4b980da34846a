"""The ring of RS256 keys: every public key is accepted, the last by name signs.

Keys are PEM files in JWT_KEYS_DIR; a file's name is its `kid`. `manage.py rotate_jwt_key` adds a
file and later removes old ones; running processes notice within a minute, and at once when they
meet a `kid` that they do not know.
"""

import json
import os
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from jwt.algorithms import RSAAlgorithm

LOOK_EVERY = 30.0  # seconds between looks at the folder; a look is one listing, not a parsing


@dataclass(frozen=True)
class _Loaded:
    stamp: tuple[Any, ...]
    keys: dict[str, RSAPrivateKey]


class _Ring:
    """What was read last. Threads may read the folder twice; what they put here is whole."""

    loaded: _Loaded | None = None
    looked_at: float = 0.0


_ring = _Ring()


def _files() -> list[Path]:
    # By kid, not by file name: "a.pem" sorts behind "a-b.pem", "a" before "a-b".
    return sorted(Path(settings.JWT_KEYS_DIR).glob("*.pem"), key=lambda path: path.stem)


def ring(*, look_now: bool = False) -> dict[str, RSAPrivateKey]:
    """kid → private key, in the order of names. Parsed again only when the folder changed."""
    now = time.monotonic()
    folder = str(settings.JWT_KEYS_DIR)
    known = _ring.loaded
    fresh = known is not None and known.stamp[0] == folder and now - _ring.looked_at < LOOK_EVERY
    if known is not None and fresh and not look_now:
        return known.keys
    stamp = (folder, *((path.name, path.stat().st_mtime_ns) for path in _files()))
    if known is None or known.stamp != stamp:
        known = _Loaded(stamp, _read())
        _ring.loaded = known
    _ring.looked_at = now
    return known.keys


def _read() -> dict[str, RSAPrivateKey]:
    found: dict[str, RSAPrivateKey] = {}
    for path in _files():
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise ImproperlyConfigured(f"{path.name} in JWT_KEYS_DIR is not an RSA private key.")
        found[path.stem] = key
    if not found:
        raise ImproperlyConfigured("JWT_KEYS_DIR holds no *.pem key: run `make run` or add one.")
    return found


def stamp() -> tuple[Any, ...]:
    """Changes when a key comes or goes: what was verified under another stamp is verified anew."""
    ring()
    return _ring.loaded.stamp if _ring.loaded else ()


def signing() -> tuple[str, RSAPrivateKey]:
    """The key that signs now, with its id."""
    return list(ring().items())[-1]


def verifying(kid: str) -> RSAPublicKey | None:
    # Another process may sign with a key that was added a second ago.
    key = ring().get(kid) or ring(look_now=True).get(kid)
    return key.public_key() if key else None


def jwks() -> dict[str, list[dict[str, Any]]]:
    """Public keys for `/.well-known/jwks.json`."""
    keys = []
    for kid, key in ring().items():
        public = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
        keys.append(public | {"kid": kid, "use": "sig", "alg": "RS256"})
    return {"keys": keys}


# --- rotation ------------------------------------------------------------------------------------
def add(*, at: datetime) -> str:
    """Put a new key into the folder; it signs from now on. Returns its id."""
    kid = f"k{at.astimezone(UTC):%Y%m%dT%H%M%S}"
    last = max((path.stem for path in _files()), default="")
    if kid <= last:  # the last by name signs: the new name must sort after
        kid = f"{last}-{kid}"
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    folder = Path(settings.JWT_KEYS_DIR)
    draft = folder / f".{kid}.new"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    draft.replace(folder / f"{kid}.pem")  # whole or not at all: the ring may look meanwhile
    return kid


def retire(*, older_than: timedelta, at: datetime) -> list[str]:
    """Remove keys that stopped signing so long ago; their ids. A key stops when the next one
    appears: its own age says nothing, it may have signed a token a second before that."""
    files = _files()
    gone = []
    for path, successor in zip(files, files[1:], strict=False):
        stopped = datetime.fromtimestamp(successor.stat().st_mtime, tz=UTC)
        if at - stopped > older_than:
            path.unlink()
            gone.append(path.stem)
    return gone


def parse_age(text: str) -> timedelta:
    """`31d`, `12h`: days or hours. Raises ValueError."""
    found = re.fullmatch(r"([0-9]{1,4})([dh])", text)
    if not found:
        raise ValueError("Write an age as 31d or 12h.")
    number = int(found[1])
    return timedelta(days=number) if found[2] == "d" else timedelta(hours=number)
