"""What a person reads when everything is up."""

from svoykrug.dev.console import say

ADDRESSES = (
    ("/", "Сайт и приложение участника", "site"),
    ("/kassa/", "Касса", "till"),
    ("/biz/", "Кабинет партнёра", "business office"),
    ("/admin/", "Администрирование", "administration"),
    ("/docs", "Описание API", "API reference"),
    ("/health/ready", "Готовность", "readiness"),
)
LINE = "─" * 72


def show(url: str, logins: str, seconds: float) -> None:
    """Print the addresses, then the demo logins."""
    say(f"\n{LINE}\n  Свой Круг работает / is running — {seconds:.0f} s\n")
    width = max(len(url + path) for path, _, _ in ADDRESSES)
    for path, russian, english in ADDRESSES:
        say(f"  {url + path:<{width}}   {russian} / {english}")
    if logins:
        say(f"\n{logins}")
    say(f"\n  Остановить / stop: Ctrl-C. Журналы / logs: .run/logs/\n{LINE}")
