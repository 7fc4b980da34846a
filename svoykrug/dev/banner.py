"""What a person reads when everything is up."""

import json
from contextlib import suppress

from svoykrug.dev.console import say

ADDRESSES = (
    ("/", "Вход", "sign-in"),
    ("/kassa/", "Касса", "till"),
    ("/admin/", "Администрирование", "administration"),
    ("/docs", "Описание API", "API reference"),
    ("/health/ready", "Готовность", "readiness"),
)
LINE = "─" * 72


def addresses(url: str, seconds: float, outbox: str = "") -> None:
    """Print where everything is."""
    say(f"\n{LINE}\n  Свой Круг работает / is running — {seconds:.0f} s\n")
    width = max(len(url + path) for path, _, _ in ADDRESSES)
    for path, russian, english in ADDRESSES:
        say(f"  {url + path:<{width}}   {russian} / {english}")
    if outbox:
        say(f"  {outbox:<{width}}   Что ушло участницам / messages that left")
    say(f"\n  Остановить / stop: Ctrl-C. Журналы / logs: .run/logs/\n{LINE}")


def logins(url: str, table: str, document: str) -> None:
    """Print the demo logins. They come a little later: their one-time codes must be fresh."""
    say(f"\n{table}")
    with suppress(ValueError, KeyError, TypeError):
        business = json.loads(document)["business_owner"]["business"]
        say(f"\n  {url}/biz/{business}/   Кабинет партнёра / business office")
    say(LINE)
