"""Access tokens that outlive a bench: `python -m tests.bench.speed.tokens`, numbers of members and of
staff on standard input, JSON on standard output."""

import json
import os
import sys
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "svoykrug.settings")
django.setup()

from apps.accounts.tokens import AccessToken  # noqa: E402 - Django first
from apps.businesses.models import Business  # noqa: E402
from tests.bench.speed import CASHIER, CASHIER_SESSION, MEMBER, MEMBER_SESSION  # noqa: E402


def token(people: str, sessions: str, number: int) -> str:
    made = AccessToken()
    made.set_exp(lifetime=timedelta(hours=3))
    made["sub"] = f"{people}{number:012x}"
    made["sid"] = f"{sessions}{number:012x}"
    return str(made)


def main() -> None:
    asked = json.load(sys.stdin)
    found = {
        "members": {number: token(MEMBER, MEMBER_SESSION, number) for number in asked["members"]},
        "staff": [token(CASHIER, CASHIER_SESSION, number) for number in asked["staff"]],
        "business": str(Business.objects.get(slug="bench-0").pk),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
