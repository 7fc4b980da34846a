"""Personal data at rest: AES-256-GCM with a key id in the value, and keyed blind indexes.

A sealed value reads `k1.<base64 of nonce + ciphertext>`. The context (an explicit, unchanging
name plus the row's id) is associated data: a value moved to another row or column does not open.
Each person has a data key of her own, sealed by the field key; destroying it erases her.
"""

import base64
import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE = 12


class SealBroken(Exception):
    """The value was not sealed with these keys, for this place, or was altered."""


def _encrypt(key: bytes, plain: bytes, context: str) -> bytes:
    nonce = secrets.token_bytes(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, context.encode())


def _decrypt(key: bytes, encoded: str, context: str) -> bytes:
    try:
        sealed = base64.b64decode(encoded, validate=True)
        return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], context.encode())
    except (InvalidTag, ValueError) as broken:  # ValueError: not base64, or too short to be ours
        raise SealBroken(context) from broken


def seal(plain: str | bytes, *, context: str) -> str:
    """Encrypt with the first field key. `context` must be given again to open it."""
    key_id, key = next(iter(settings.FIELD_KEYS.items()))
    raw = plain.encode() if isinstance(plain, str) else plain
    return f"{key_id}.{base64.b64encode(_encrypt(key, raw, context)).decode()}"


def unseal(sealed: str, *, context: str) -> bytes:
    """The plain bytes. Raises SealBroken for another context, key or altered text."""
    key_id, _dot, body = sealed.partition(".")
    key = settings.FIELD_KEYS.get(key_id)
    if key is None:
        raise SealBroken(f"unknown key {key_id}")
    return _decrypt(key, body, context)


def new_data_key(*, owner: str) -> str:
    """A fresh key of one person, sealed by the field key; `owner` is her id."""
    return seal(secrets.token_bytes(32), context=f"person.data_key:{owner}")


def seal_for(data_key: str, plain: str, *, owner: str, field: str) -> str:
    """Encrypt a person's field with her own key."""
    key = unseal(data_key, context=f"person.data_key:{owner}")
    return base64.b64encode(_encrypt(key, plain.encode(), f"person.{field}:{owner}")).decode()


def unseal_for(data_key: str, sealed: str, *, owner: str, field: str) -> str:
    """A person's field in clear. Raises SealBroken."""
    key = unseal(data_key, context=f"person.data_key:{owner}")
    return _decrypt(key, sealed, f"person.{field}:{owner}").decode()


def blind_index(value: str, *, purpose: str) -> str:
    """A keyed digest for look-up by equality only; the key lives apart from the database."""
    return _index(settings.INDEX_KEY, value, purpose)


def blind_indexes(value: str, *, purpose: str) -> list[str]:
    """What a look-up asks for: the digest under today's key, and while the key is being rotated
    (INDEX_KEY_PREVIOUS is set) the one under the key before it."""
    keys = [settings.INDEX_KEY, settings.INDEX_KEY_PREVIOUS]
    return [_index(key, value, purpose) for key in keys if key]


def lasting_index(value: str, *, purpose: str) -> str:
    """A keyed digest that outlives a change of INDEX_KEY: for what is written once and asked for
    years later. Its key is the one that is never changed."""
    return _index(settings.ANALYTICS_KEY, value, f"lasting.{purpose}")


def _index(key: bytes, value: str, purpose: str) -> str:
    return hmac.new(key, f"{purpose}:{value}".encode(), hashlib.sha256).hexdigest()


def pepper_hash(value: str, *, purpose: str) -> str:
    """How one-time codes and refresh ids are stored: HMAC with a pepper outside the database."""
    return hmac.new(settings.CODE_PEPPER, f"{purpose}:{value}".encode(), hashlib.sha256).hexdigest()


def new_surrogate_salt() -> str:
    """What makes a person's surrogate hers; kept on her row, so that it can be destroyed."""
    return secrets.token_hex(16)


def surrogate_id(member_id: str, *, salt: str) -> str:
    """The id under which a member stands in ClickHouse: a UUID nobody can lead back to her.

    It needs the analytics key and the salt of her row. Erasure gives the row a new salt: what
    ClickHouse holds under the old one then belongs to nobody.
    """
    message = f"{member_id}:{salt}".encode()
    digest = hmac.new(settings.ANALYTICS_KEY, message, hashlib.sha256).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"
