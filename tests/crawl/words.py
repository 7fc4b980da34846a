"""Which words of a Russian page are not Russian, and which of those may stay so."""

import re

# Names and abbreviations that Russian people write in Latin letters.
BRANDS = {
    *("VIP", "Elite", "Insider", "Inner", "Circle", "Skinerica"),
    *("YCLIENTS", "iiko", "amoCRM", "Renovatio", "MODX", "Excel", "ClickHouse", "PostgreSQL"),
    *("Redis", "Valkey", "Celery", "Beat", "Prometheus", "Android", "iPhone", "iOS", "iPad"),
    *("Chrome", "Firefox", "Safari", "Chromium", "Telegram", "WhatsApp", "Google", "Apple"),
    *("Linux", "Windows", "macOS", "Safari", "Edge", "Yandex", "Opera", "HeadlessChrome"),
    *("CRM", "CSV", "PDF", "JSON", "XLSX", "ODS", "TSV", "YAML", "HTML", "API", "URL", "HTTP"),
    *("HTTPS", "IP", "ID", "SMS", "PIN", "QR", "TOTP", "TLS", "DNS", "SQL", "UTC", "SSL", "SLA"),
    *("Win-Win", "RFM", "English", "Pixel", "Enter", "Esc", "Tab", "Ctrl", "Shift", "Alt"),
    *("push", "Push", "OData", "SMTP", "FCM", "APNs", "Smsru", "SMS.ru", "e-mail", "E-mail"),
}
LATIN = re.compile(r"[A-Za-z]{2}")
EDGES = " \t\n\u00a0«»“”„\"'`.,:;!?()[]{}<>|/*+=…—–-→←↑↓•·№%#&~"
# Signs that no word of a language has inside: an address, a code, a name of a machine. The short
# number of a sale is six hexadecimal digits, in one of 350 letters alone.
CODE = re.compile(r"[0-9_@\\]|[a-z][.:=]|\.[a-z]|^[A-Z]{2,4}$|^[A-F]{6}$")


def foreign(texts: list[str], *, allowed: frozenset[str] = frozenset()) -> list[str]:
    """Words in Latin letters that are neither brands nor codes, each with its sentence."""
    found = []
    for text in dict.fromkeys(texts):
        strange = [word for word in words_of(text) if is_foreign(word, allowed)]
        if strange:
            found.append(f"{' '.join(strange)}: {text[:90]}")
    return found


def words_of(text: str) -> list[str]:
    """Split at spaces, without signs at the edges; addresses are no words."""
    tokens = [one for one in re.split(r"\s+", text) if not one.startswith(("/", "http"))]
    return [word for one in tokens if (word := one.strip(EDGES))]


def is_foreign(word: str, allowed: frozenset[str]) -> bool:
    if not LATIN.search(word):
        return False
    if word in BRANDS or word in allowed or CODE.search(word):
        return False
    parts = [part for part in re.split(r"[-/+×·]", word) if LATIN.search(part)]
    if len(parts) > 1 or parts != [word]:
        return any(is_foreign(part, allowed) for part in parts)
    return True
