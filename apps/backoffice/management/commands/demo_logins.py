from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.backoffice.demo.logins import DemoMissing, Login, logins


class Command(BaseCommand):
    help = "How to sign in as each role of the demo (development only)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *, json: bool, **options: Any) -> None:
        if not settings.DEVELOPMENT:
            raise CommandError("Demo logins exist in development only.")
        try:
            people = logins()
        except DemoMissing as missing:
            raise CommandError("There is no demo yet: manage.py load_demo") from missing
        if json:
            document = {one.role: _as_json(one) for one in people}
            self.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
        else:
            self._table(people)

    def _table(self, people: list[Login]) -> None:
        head = ("role", "name", "phone", "e-mail", "password", "code now", "works at")
        rows = [head]
        for one in people:
            sign_in = one.password or "code by SMS"
            rows.append(
                (one.role, one.name, one.phone, one.email, sign_in)
                + (one.totp_code or "", one.business or "")
            )
        widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
        for row in rows:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write(line.rstrip())
        self.stdout.write("\nA code by SMS is printed by: manage.py last_code PHONE")


def _as_json(one: Login) -> dict[str, Any]:
    return {
        "phone": one.phone,
        "email": one.email,
        "password": one.password,
        "totp": one.totp,
        "totpCode": one.totp_code,
        "business": one.business,
        "businessId": str(one.business_id) if one.business_id else None,
    }
