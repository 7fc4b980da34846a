"""Ugly inputs, by hand: what phones, bad lines, curious people and old apps really send."""

ZERO_WIDTH, RTL, BOM = "\u200b", "\u202e", "\ufeff"
LONG = "я" * 5000

# For every field of text, and in queries.
TEXTS = [
    "", " ", "\t", "\n", "\r\n", ".", "..", "/", "\\", "'", '"', "`", ";", "--", "%", "%%", "%s", "%(x)s",
    "{}", "{0}", "{{7*7}}", "${7*7}", "<script>alert(1)</script>", "</b>", "&amp;", "null", "None",
    "undefined", "NaN", "true", "0", "-1", "1e309", "' OR 1=1 --", '" OR ""="', "1; DROP TABLE x",
    "../../etc/passwd", "C:\\con", "file:///etc/passwd", "javascript:alert(1)", "a\x00b", "\x00",
    "\x1b[31m", "\x7f", "\u0085", ZERO_WIDTH, RTL + "abc", BOM + "x", "e\u0301", "ﬃ", "Ⅷ", "١٢٣",
    "😀", "👩‍👩‍👧‍👦", "🇷🇺", "\ud7ff", "\ufffd", "\uffff", "İ", "ß", "ǆ", "а̀", "Ё", "Й", "字", "ไทย", "עברית", LONG,
]  # fmt: skip
# For sums: only "1234.50" is one.
AMOUNTS = [
    "", " ", "0", "0.00", "-0", "-1", "-0.01", "+1", "+", "-", ".", ",", "1.", ".5", "1,5", "1.234", "1.999",
    "0.001", "1e3", "1E3", "1e-3", "1e400", "Infinity", "-Infinity", "inf", "nan", "NaN", "0x10", "0b1", "1_000",
    "1 000", "1\u00a0000", "1'000", "1,000.00", "1.000,00", "₽100", "100 руб", "100р.", "1/2", "½", "١٢", "１２",
    "٫5", "00000001", "99999999999999.99", "100000000000000000000", "9" * 400, "1.0000000000000000000000001",
    1, 0, -1, 1.5, 0.1, 1e308, True, False, None, [], ["1.00"], {}, {"amount": "1.00"},
]  # fmt: skip
PHONES = [
    "", " ", "1", "112", "911", "8800", "8 800 555 35 35", "89", "8916", "+7", "+7916", "+79161", "7916123456",
    "891612345678", "+791612345678901234567", "9161234567;ext=1", "+7 (916) 123-45-6", "+7(916)1234567#",
    "++79161234567", "+7+9161234567", "tel:+79161234567", "+7916123456O", "+7９１６１２３４５６７", "+٧٩١٦١٢٣٤٥٦٧",
    "+74951234567", "+79991234567\n", "+7-916-123-45-67-", "+380501234567", "+1 202 555 0100", "+996",
    "79161234567.0", "7.9161234567e10", 79161234567, True, None, [], ["+79161234567"], {}, "😀" * 11, "9" * 40, LONG,
]  # fmt: skip
UUIDS = [
    "", "0", "1", "me", "null", "undefined", "None", "-", "00000000", "00000000-0000-0000-0000-00000000000",
    "00000000-0000-0000-0000-0000000000000", "g0000000-0000-4000-8000-000000000000",
    "{00000000-0000-4000-8000-000000000000}", "urn:uuid:00000000-0000-4000-8000-000000000000",
    "00000000000040008000000000000000", "00000000-0000-4000-8000-00000000000０", "%00", "%2e%2e", "a%0d%0ab", "😀",
    "' OR 1=1", "1" * 300, 0, 1, -1, 2**63, 1.5, True, None, [], {},
]  # fmt: skip
MOMENTS = [
    "", "now", "today", "0", "1", "2026", "2026-13-01", "2026-02-30", "2026-01-01", "2026-01-01T25:00:00Z",
    "2026-01-01T00:00:60Z", "2026-01-01T00:00:00", "2026-01-01 00:00", "2026-01-01T00:00:00+25:00", "01.02.2026",
    "2026-01-01T00:00:00Z ", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "10000-01-01T00:00:00Z", "-2026-01-01T00:00:00Z",
    "2026-W01-1", "20260101", "1735689600", 1735689600, -1, 1e20, True, None, [], {},
]  # fmt: skip
CURSORS = [
    "", " ", "0", "a", "=", "====", "%", "%%%", "null", "YQ", "YQ==", "e30", "W10", "bnVsbA", "MjAyNi0wMS0wMQ",
    "MjAyNi0wMS0wMVQwMDowMDowMHww", "MjAyNi0wMS0wMVQwMDowMDowMCswMDowMHww", "OTk5OS0xMi0zMVQyMzo1OTo1OS0yMzo1OXww",
    "MDAwMS0wMS0wMVQwMDowMDowMCsyMzo1OXww", "MjAyNi0wMS0wMVQwMDowMDowMCswMDowMHw5OTk5OTk5OTk5OTk5OTk5OTk",
    "MjAyNi0wMS0wMVQwMDowMDowMCswMDowMHwtMQ", "AAAA", "____", "----", "я", "😀", "a\x00b", "A" * 8000,
]  # fmt: skip
LIMITS = [
    "",
    " ",
    "0",
    "-1",
    "101",
    "1000",
    "1e2",
    "1.0",
    "0x10",
    "１",
    "٣",
    "+5",
    " 5",
    "5 ",
    "five",
    "null",
    "9" * 50,
]
# Whole bodies, raw.
BODIES = [
    b"", b" ", b"null", b"true", b"0", b'""', b"[]", b"[{}]", b"{", b"}", b"{}", b"{}{}", b'{"a":}', b"{'a':1}",
    b'{"a":1,}', b"{a:1}", b'{"":1}', b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1e999}', b'{"a":01}', b"\xff\xfe",
    b"\x00", b'{"a":"\xff"}', b'{"a":"\\ud800"}', b'{"a":"\\u0000"}', b'{"\\u0000":1}', b'\xef\xbb\xbf{"a":1}',
    b"a=1&b=2", b"<a/>", b"--x\r\n", b'{"__proto__":{}}', b'{"constructor":1}', b'{"id":"x","ID":"y"}',
    b'{"amount":"1.00","amount":"2.00"}', b'{"business_id":"x"}', b'{"businessID":"x"}', b"[" * 500,
    b'{"a":' * 40 + b"1" + b"}" * 40, b'{"a":' + b"9" * 5000 + b"}",
]  # fmt: skip
# Header lines, for a read and for a write.
HEADERS = [
    {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "}, {"Authorization": "bearer x"},
    {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer a.b.c"}, {"Authorization": "Bearer " + "x" * 9000},
    {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}, {"Authorization": "Bearer \xff"},
    {"Accept": ""}, {"Accept": "text/html"}, {"Accept": "application/xml;q=0.9,*/*;q=0"}, {"Accept": "😀"},
    {"Accept-Language": ""}, {"Accept-Language": "xx"}, {"Accept-Language": "en;q=nan"}, {"Accept-Language": "-"},
    {"Accept-Encoding": "gzip;q=0"}, {"Content-Type": ""}, {"Content-Type": "text/plain"},
    {"Content-Type": "application/json; charset=koi8-r"}, {"Content-Type": "multipart/form-data"},
    {"Content-Type": "application/x-www-form-urlencoded"}, {"X-Request-ID": "x"}, {"X-Request-ID": "{}" * 99},
    {"X-Forwarded-For": "127.0.0.1, evil"}, {"X-HTTP-Method-Override": "DELETE"}, {"If-None-Match": "*"},
    {"If-None-Match": '"' * 99}, {"If-Match": "W/"}, {"If-Match": "abc"}, {"If-Match": "99999999999999999999"},
    {"If-Modified-Since": "never"}, {"Range": "bytes=0-0"}, {"Idempotency-Key": ""}, {"Idempotency-Key": " "},
    {"Idempotency-Key": "ключ"}, {"Idempotency-Key": "a b"}, {"Idempotency-Key": "k" * 256},
    {"Idempotency-Key": "k" * 255}, {"Idempotency-Key": "\x7f"}, {"Cookie": "sessionid=1; csrftoken=2"},
    {"X-Device-Id": "😀" * 200}, {"Origin": "null"}, {"Host": "evil.example"}, {"Content-Encoding": "gzip"},
]  # fmt: skip
