"""The typed client is made from the schema, compiled strictly, and lives a day on a live server."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.contract.day import things

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not shutil.which("npm"), reason="NO TYPESCRIPT CLIENT WAS TRIED: no node on this machine"
    ),
]
CLIENT = Path(settings.BASE_DIR) / "clients" / "typescript"
STEPS = ("signed in", "overview", "quote", "held", "coupon", "voted", "seat", "signed out")


def npm(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        ["npm", "--silent", *arguments],
        cwd=CLIENT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built() -> None:
    npm("ci", "--no-audit", "--no-fund")
    npm("run", "generate")
    npm("run", "build")


def test_a_wrong_call_does_not_compile(built: None) -> None:
    wrong = CLIENT / "src" / "wrong.ts"
    wrong.write_text(
        'import { SvoyKrug } from "./client.js";\n'
        'await new SvoyKrug("x").api.POST("/api/v1/loyalty/quote", { body: { amount: 1 } });\n'
    )
    try:
        done = subprocess.run(
            ["npx", "tsc", "--strict", "--noEmit", "-p", "."],
            cwd=CLIENT,
            capture_output=True,
            text=True,
        )
    finally:
        wrong.unlink()

    assert done.returncode != 0
    assert "wrong.ts" in done.stdout


@pytest.mark.django_db(transaction=True)
def test_a_members_day(built: None, live_server: Any) -> None:
    known = {"API": live_server.url, "SMS_FILE": settings.DEV_SMS_FILE} | things()

    told = npm("run", "day", **known)

    assert [line.split(":")[0] for line in told.strip().splitlines()] == list(STEPS)
