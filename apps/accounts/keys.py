"""The ring of RS256 keys: every public key is accepted, the last by name signs.

Keys are PEM files in JWT_KEYS_DIR; a file's name is its `kid`. A new key is added, later the old
file is removed: tokens signed by it stop then.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from jwt.algorithms import RSAAlgorithm


@lru_cache(maxsize=1)
def ring() -> dict[str, RSAPrivateKey]:
    """kid → private key, in the order of names. Read once a process."""
    found: dict[str, RSAPrivateKey] = {}
    for path in sorted(Path(settings.JWT_KEYS_DIR).glob("*.pem")):
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise ImproperlyConfigured(f"{path.name} in JWT_KEYS_DIR is not an RSA private key.")
        found[path.stem] = key
    if not found:
        raise ImproperlyConfigured("JWT_KEYS_DIR holds no *.pem key: run `make run` or add one.")
    return found


def signing() -> tuple[str, RSAPrivateKey]:
    """The key that signs now, with its id."""
    return list(ring().items())[-1]


def verifying(kid: str) -> RSAPublicKey | None:
    key = ring().get(kid)
    return key.public_key() if key else None


def jwks() -> dict[str, list[dict[str, Any]]]:
    """Public keys for `/.well-known/jwks.json`."""
    keys = []
    for kid, key in ring().items():
        public = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
        keys.append(public | {"kid": kid, "use": "sig", "alg": "RS256"})
    return {"keys": keys}
