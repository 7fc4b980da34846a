"""A whole life of a member, and then a look into everything that was written: no phone, e-mail,
birth date, code or token stands anywhere in clear; after erasure, no name either."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from apps.accounts import services
from apps.accounts.enums import Job
from apps.accounts.models import TOTPDevice, User
from apps.analytics import loader
from apps.core import audit_chain, clickhouse, key_rotation, outbox, sealing
from apps.loyalty.queries import ledger_faults
from tests.factories.accounts import UserFactory
from tests.journeys.test_main_path import sent_code
from tests.logs import captured

PHONE, OTHER_PHONE = "+79161234567", "+79037654321"
EMAIL, BIRTH = "belladonna@example.com", "1987-03-29"
FIRST, LAST, CITY = "Белладонна", "Кипарисова", "Верхний Заречинск"
SEALED = re.compile(r"[A-Za-z]\w*\.[A-Za-z0-9+/]{40,}={0,2}")


@dataclass
class Life:
    """What happened, and every secret that went through the product meanwhile."""

    member: User
    tokens: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    seed: bytes = b""
    printed: str = ""


def phone_forms(phone: str) -> list[str]:
    ten = phone[2:]
    spaced = f"{ten[:3]} {ten[3:6]}-{ten[6:8]}-{ten[8:]}"
    return [ten, spaced, f"({ten[:3]}) {ten[3:6]}-{ten[6:8]}-{ten[8:]}"]


def digests(secret: str) -> list[str]:
    """A plain digest of a phone is the phone: there are only a billion."""
    found = []
    for name in ("md5", "sha1", "sha256"):
        raw = hashlib.new(name, secret.encode()).digest()
        found += [raw.hex(), base64.b64encode(raw).decode().rstrip("=")]
    return [*found, base64.b64encode(secret.encode()).decode().rstrip("=")]


def needles(life: Life) -> list[str]:
    plain = [EMAIL, BIRTH, "29.03.1987", *phone_forms(PHONE), *phone_forms(OTHER_PHONE)]
    hashed = [one for secret in (PHONE, OTHER_PHONE, EMAIL, BIRTH) for one in digests(secret)]
    tokens = [part for token in life.tokens for part in token.split(".")[1:]]
    seeds = [life.seed.hex(), base64.b32encode(life.seed).decode()]
    return plain + hashed + tokens + seeds


def found_in(text: str, life: Life) -> set[str]:
    lowered = text.lower()
    hits = {needle for needle in needles(life) if needle.lower() in lowered}
    # a code is six digits: alone, not the tail of a time or of a longer number
    return hits | {code for code in life.codes if re.search(rf"(?<![\w.]){code}(?![\w.])", text)}


def tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1"
        )
        return [row[0] for row in cursor.fetchall()]


def rows_of(table: str) -> Iterator[dict[str, Any]]:
    """Every column, whatever its type, as PostgreSQL writes it."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" t')
        for (row,) in cursor.fetchall():
            yield json.loads(row)


def postgres() -> Iterator[tuple[str, str]]:
    for table in tables():
        for row in rows_of(table):
            yield table, json.dumps(row, ensure_ascii=False)


def clickhouse_rows() -> Iterator[tuple[str, str]]:
    with clickhouse.session(database=clickhouse.database()) as client:
        for (table,) in client.query("SHOW TABLES").result_rows:
            for row in client.query(f"SELECT * FROM {table}").result_rows:
                yield f"clickhouse.{table}", str([str(value) for value in row])


def valkey() -> Iterator[tuple[str, str]]:
    client = cache.client.get_client()
    for key in client.scan_iter():
        value = client.get(key) if client.type(key) == b"string" else b""
        yield "valkey", f"{key!r} {value!r}"


def files(life: Life) -> Iterator[tuple[str, str]]:
    for path in (settings.ERASURE_JOURNAL, settings.AUDIT_ANCHOR_FILE):
        yield path.name, path.read_text()
    yield "logs and output", life.printed


def live(api, business, staff, tmp_path) -> Life:
    """Sign-in, profile, consents, sales, an import, a look at her phone, a block."""
    asked = api.post("/auth/send-code", {"phone": PHONE}).json()["data"]
    code = sent_code(settings)
    wrong = "000000" if code != "000000" else "111111"
    api.post("/auth/verify-code", {"codeId": asked["codeId"], "code": wrong})
    body = {"codeId": asked["codeId"], "code": code}
    done = api.post("/auth/verify-code", body).json()["data"]
    life = Life(User.objects.get(pk=done["user"]["id"]), codes=[code])
    life.tokens += [done["accessToken"], done["refreshToken"]]
    fresh = api.post("/auth/refresh", {"refreshToken": done["refreshToken"]}).json()["data"]
    life.tokens += [fresh["accessToken"], fresh["refreshToken"]]

    bearer = {"Authorization": f"Bearer {fresh['accessToken']}"}
    profile = {"firstName": FIRST, "lastName": LAST, "city": CITY}
    profile |= {"email": EMAIL, "birthDate": BIRTH}
    assert api.patch("/users/me", profile, **bearer).status_code == 200
    api.client.put(
        "/api/v1/users/me/consents",
        {"personalData": True, "marketingSms": True},
        content_type="application/json",
        headers=bearer,
    )
    assert api.get("/users/me/export", **bearer).status_code == 200

    till = api.as_(staff)
    life.tokens.append(till.headers["Authorization"].removeprefix("Bearer "))
    sold = {"businessId": str(business.pk), "member": {"phone": PHONE}, "amount": "2500.00"}
    assert till.post("/transactions", sold).status_code == 201
    assert till.post("/transactions", sold | {"amount": PHONE}).status_code == 422
    till.get("/transactions", {"businessId": str(business.pk), "phone": PHONE})
    journal = tmp_path / "purchases.csv"
    journal.write_text(
        "phone,occurred_at,amount,receipt_number\n"
        f"{PHONE},2026-05-31T14:30,700.00,A-1\n{OTHER_PHONE},2026-05-31T14:31,800.00,A-2\n"
    )
    call_command("import_purchases", str(journal), business=business.slug)

    admin = UserFactory(job=Job.ADMIN)
    life.seed = TOTPDevice.objects.create(user=admin, name="app").bin_key
    services.reveal_phone(
        user=life.member, by=admin, reason=f"перезвонить на {PHONE}", at=timezone.now()
    )
    services.block_user(user=life.member, by=admin, reason=f"жалоба от {EMAIL}", at=timezone.now())
    loader.load_waiting()
    outbox.drain()
    return life


@pytest.fixture
def life(transactional_db, facts, api, business, staff, tmp_path, capsys):
    with captured() as logs:
        lived = live(api, business, staff, tmp_path)
        services.file_erasures()
        audit_chain.seal(at=timezone.now() + timedelta(hours=1))
        audit_chain.anchor(path=settings.AUDIT_ANCHOR_FILE, at=timezone.now())
        other = User.objects.with_phone(OTHER_PHONE)
        services.erase_person(user=other, at=timezone.now(), because="asked")
        out = capsys.readouterr()
        lived.printed = logs.getvalue() + out.out + out.err
    return lived


def test_nothing_of_a_living_member_stands_in_clear(life):
    leaks = {}
    for places in (postgres(), clickhouse_rows(), valkey(), files(life)):
        for place, text in places:
            for hit in found_in(text, life):
                leaks.setdefault(hit, set()).add(place)

    assert leaks == {}
    assert "request" in life.printed  # the log was really captured
    assert life.member.phone == PHONE  # and the data was really there


def test_the_search_itself_finds_what_is_there(life):
    """A search that cannot find proves nothing."""
    for secret in (PHONE, EMAIL, BIRTH, life.codes[0], life.tokens[0], life.seed.hex()):
        assert found_in(f"x {secret} y", life), secret


def test_clickhouse_knows_no_member_by_her_id(life):
    rows = [row for row in clickhouse_rows() if row[0].endswith("transaction_facts")]

    assert len(rows) == 3  # the till's sale and two of the import
    assert not [place for place, text in rows if str(life.member.pk) in text]


def test_after_erasure_not_even_her_name(life):
    salt = life.member.surrogate_salt
    card = User.objects.get(pk=life.member.pk).card_number

    services.erase_person(user=life.member, at=timezone.now(), because="asked")
    outbox.drain()

    gone = [FIRST, LAST, CITY, card, salt]
    # Answers kept for repeats of a till's request hold a first name for a day (API contract).
    leaks = {
        (place, word)
        for place, text in postgres()
        for word in gone
        if word in text and place != "core_idempotencykey"
    }
    assert leaks == set()
    assert ledger_faults() == {}


def test_every_value_sealed_with_a_field_key_is_in_the_list(life):
    """Else a rotation of keys would forget it, and it would be lost with the old key."""
    listed = {(place.table, place.column) for place in key_rotation.columns()}
    sealed = {
        (table, column)
        for table in tables()
        for row in rows_of(table)
        for column, value in row.items()
        if isinstance(value, str) and SEALED.fullmatch(value)
        if value.split(".")[0] in settings.FIELD_KEYS
    }

    assert sealed <= listed
    assert ("accounts_user", "data_key") in sealed
    assert sealing.unseal(
        User.objects.get(pk=life.member.pk).data_key,
        context=f"person.data_key:{life.member.pk}",
    )
