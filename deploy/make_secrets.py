"""Make the secrets of a new installation in deploy/secrets, once: what is there stays as it is.

    python3 deploy/make_secrets.py

Needs nothing but Python and openssl. Keep a copy in a safe place: without FIELD_KEYS the personal
data cannot be read by anybody, ever.
"""

import base64
import os
import secrets
import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "secrets"


def key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def write(name: str, value: str) -> None:
    path = FOLDER / name
    if path.exists():
        return
    path.write_text(value)
    path.chmod(0o644)  # the containers' user reads it; the folder is closed to others
    print(f"made {path.relative_to(FOLDER.parent.parent)}")


def main() -> None:
    FOLDER.mkdir(mode=0o711, parents=True, exist_ok=True)
    jwt = FOLDER / "jwt"
    jwt.mkdir(exist_ok=True)
    passwords = {name: secrets.token_urlsafe(24) for name in ("postgres", "valkey", "clickhouse")}
    for name, made in passwords.items():
        write(f"{name}_password", made)
        passwords[name] = (FOLDER / f"{name}_password").read_text()
    write("database_url", f"postgres://svoykrug:{passwords['postgres']}@postgres:5432/svoykrug")
    write("redis_url", f"redis://:{passwords['valkey']}@valkey:6379")
    write("clickhouse_url", f"http://svoykrug:{passwords['clickhouse']}@clickhouse:8123/svoykrug")
    write("secret_key", secrets.token_urlsafe(50))
    write("field_keys", f"k1:{key()}")
    for name in ("index_key", "code_pepper", "analytics_key"):
        write(name, key())
    for name in ("smsru_api_id", "smsc_api_key", "sendgrid_api_key"):  # theirs, to be filled in
        write(name, "")
    write("metrics_token", secrets.token_urlsafe(32))
    write("grafana_password", secrets.token_urlsafe(24))
    signing = jwt / "k1.pem"
    if not signing.exists():
        subprocess.run(
            ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
            + ["-out", str(signing)],
            check=True,
            capture_output=True,
        )
        signing.chmod(0o644)
        print("made deploy/secrets/jwt/k1.pem")


if __name__ == "__main__":
    main()
