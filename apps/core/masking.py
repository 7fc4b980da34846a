"""Text in which no phone, e-mail, token or code can be read: for logs, for reasons that people
write, for stored error texts. Plain Python: the logs are set up before Django is.

Whoever writes a log line need not remember to mask; whoever changes a pattern runs the table in
tests/core/test_logging.py. Rather a harmless number too many masked than a phone too few.
"""

import re

LONGEST = 20_000  # signs of one value; a longer one is cut, since patterns cost time

# Between the digits of a phone people write spaces, brackets, points and dashes; addresses and
# forms write them percent-encoded.
_BETWEEN = r"(?:[\s().\-\u2010-\u2015]|%2[089DdBb]|\+|%C2%A0){0,3}"
_DIGITS = rf"9\d{{2}}{_BETWEEN}\d{{3}}{_BETWEEN}\d{{2}}{_BETWEEN}\d{{2}}"
# What begins after a letter or a digit is part of a longer word; but `\n` and `%3D` in quoted text
# end with one and begin a new word all the same.
_QUOTED = r"(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2})"
_NUMBER = rf"(?:(?<![^\W_])|{_QUOTED})"
_WORD = rf"(?:(?<![\w-])|{_QUOTED})"
PHONE = re.compile(
    rf"(?:\+|%2[Bb])7{_BETWEEN}{_DIGITS}(?!\d)"
    rf"|{_NUMBER}(?<!\d\.)(?:[78]{_BETWEEN})?{_DIGITS}(?![^\W_])"
)
EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
TOKEN = re.compile(rf"{_WORD}eyJ[\w-]+\.[\w-]+\.[\w-]*|(?i:(?<=bearer ))[\w.~+/-]+=*")
# The SMS itself, «Код 123456 …», and whatever is called a code and has the look of one.
_IS = r"[\"'\\]*\s*[:=]\s*[\"'\\]*"
CODE = re.compile(rf"(?i)({_WORD}(?:код|code)\s+|code\w{{0,20}}{_IS})\d{{4,8}}\b")
NAMED = re.compile(
    rf"(?i)({_WORD}(?:code|otp|pin|[\w-]{{0,40}}?(?:password|secret|token|refresh|authorization|cookie)"
    rf"[\w-]{{0,40}}){_IS}(?:bearer\s|basic\s)?)[^\s\"',}}&\\]+"
)


# What none of the patterns can do without: most values of a log line are masked by one look.
_SUSPECT = re.compile(r"[\d@=:%]|eyJ|(?i:bearer )")


def mask_text(text: str) -> str:
    """The text with phones, e-mails, tokens, codes and named secrets replaced by stars."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}…"
    if not _SUSPECT.search(text):
        return text
    text = TOKEN.sub("***", text)
    text = PHONE.sub("+7***", text)
    text = EMAIL.sub("***@***", text)
    text = CODE.sub(r"\1***", text)
    return NAMED.sub(r"\1***", text)
