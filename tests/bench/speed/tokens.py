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


def token(people: int, sessions: int, number: int) -> str:
    made = AccessToken()
    made.set_exp(lifetime=timedelta(hours=3))
    made["sub"] = f"018f{people:04x}-0000-7000-8000-{number:012x}"
    made["sid"] = f"018f{sessions:04x}-0000-7000-8000-{number:012x}"
    return str(made)


def main() -> None:
    asked = json.load(sys.stdin)
    found = {
        "members": {number: token(1, 2, number) for number in asked["members"]},
        "staff": [token(3, 4, number) for number in asked["staff"]],
        "business": str(Business.objects.get(slug="bench-0").pk),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
