"""Signing keys: a new one by a command, old ones accepted until they are retired."""

import os
import stat
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.accounts import keys, services
from tests.accounts.codes import sign_in
from tests.api import Api
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A ring of its own with one key, `k1`."""
    settings.JWT_KEYS_DIR = tmp_path / "jwt"
    settings.JWT_KEYS_DIR.mkdir()
    keys.add(at=timezone.now())
    next(settings.JWT_KEYS_DIR.glob("*.pem")).rename(settings.JWT_KEYS_DIR / "k1.pem")
    return settings.JWT_KEYS_DIR


@pytest.fixture
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "LOOK_EVERY", 0.0)


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def age(path: Path, days: float) -> None:
    moment = time.time() - days * 86400
    os.utime(path, (moment, moment))


def test_new_key_signs_and_the_old_one_is_still_accepted(
    folder: Path, look_at_once: None, api: Api
) -> None:
    before = api.as_(UserFactory())
    call_command("rotate_jwt_key", verbosity=0)
    after = api.as_(UserFactory())

    old, new = (a.headers["Authorization"].split()[1] for a in (before, after))
    assert kid_of(old) == "k1"
    assert kid_of(new) == sorted(path.stem for path in folder.glob("*.pem"))[-1] != "k1"
    assert before.get("/users/me").status_code == after.get("/users/me").status_code == 200


def test_jwks_shows_both(look_at_once: None, client: Any) -> None:
    call_command("rotate_jwt_key", verbosity=0)

    shown = client.get("/.well-known/jwks.json").json()["keys"]

    assert len(shown) == 2
    assert {(key["kty"], key["alg"], key["use"]) for key in shown} == {("RSA", "RS256", "sig")}
    assert all("d" not in key for key in shown)


def test_process_that_looked_a_moment_ago_accepts_a_new_key(folder: Path, api: Api) -> None:
    """Another process signs with the new key at once; this one must not refuse its tokens."""
    keys.ring()
    call_command("rotate_jwt_key", verbosity=0)
    assert keys.signing()[0] == "k1"
    new = sorted(path.stem for path in folder.glob("*.pem"))[-1]

    assert keys.verifying(new) is not None


def test_folder_is_parsed_once_while_nothing_changes(
    monkeypatch: pytest.MonkeyPatch, look_at_once: None
) -> None:
    keys.ring()
    monkeypatch.setattr(keys, "_read", lambda: pytest.fail("parsed again"))

    assert [keys.signing()[0] for _token in range(50)] == ["k1"] * 50


def test_unknown_kid_is_refused(api: Api, folder: Path, look_at_once: None) -> None:
    signed_in = api.as_(UserFactory())
    call_command("rotate_jwt_key", verbosity=0)
    (folder / "k1.pem").unlink()

    assert signed_in.get("/users/me").json()["error"]["code"] == "UNAUTHENTICATED"


def test_key_that_signed_yesterday_is_not_retired_for_its_age(
    folder: Path, look_at_once: None
) -> None:
    age(folder / "k1.pem", days=400)
    tokens = sign_in("+79161234567").tokens
    call_command("rotate_jwt_key", "--retire-older-than", "31d", verbosity=0)

    assert (folder / "k1.pem").exists()
    assert services.refresh(refresh_token=tokens.refresh_token, at=timezone.now())


def test_key_that_stopped_signing_long_ago_is_retired(folder: Path, look_at_once: None) -> None:
    second = keys.add(at=timezone.now())
    age(folder / "k1.pem", days=90)
    age(folder / f"{second}.pem", days=32)
    call_command("rotate_jwt_key", "--retire-older-than", "31d", verbosity=0)

    names = sorted(path.stem for path in folder.glob("*.pem"))
    assert "k1" not in names
    assert len(names) == 2


def test_names_always_sort_after_the_last(folder: Path) -> None:
    (folder / "k1.pem").rename(folder / "zebra.pem")
    first = keys.add(at=timezone.now())
    second = keys.add(at=timezone.now())

    assert sorted(["zebra", first, second]) == ["zebra", first, second]


def test_key_file_is_for_its_owner_only(folder: Path) -> None:
    kid = keys.add(at=timezone.now())

    assert stat.S_IMODE((folder / f"{kid}.pem").stat().st_mode) == 0o600
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("text", ["29d", "1h", "soon", "", "-1d"])
def test_retiring_keys_of_live_tokens_wants_force(folder: Path, text: str) -> None:
    with pytest.raises(CommandError):
        call_command("rotate_jwt_key", f"--retire-older-than={text or 'x'}", verbosity=0)

    assert len(list(folder.glob("*.pem"))) == 1


def test_leaked_key_can_be_retired_at_once(folder: Path, look_at_once: None) -> None:
    tokens = sign_in("+79161234567").tokens
    keys.add(at=timezone.now() - timedelta(hours=2))
    age(sorted(folder.glob("*.pem"))[-1], days=0.1)
    call_command("rotate_jwt_key", "--retire-older-than", "1h", "--force", verbosity=0)

    with pytest.raises(services.TokenRefused):
        services.refresh(refresh_token=tokens.refresh_token, at=timezone.now())
