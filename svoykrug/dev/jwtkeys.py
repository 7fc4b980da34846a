"""The first signing key of a profile; later keys are added beside it and sign in its stead."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from svoykrug.dev.checkout import replace_text


def ensure(folder: Path) -> None:
    """Put an RS256 private key into an empty folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(name.endswith(".pem") for name in os.listdir(folder)):
        return
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    replace_text(folder / "k1.pem", pem.decode())
