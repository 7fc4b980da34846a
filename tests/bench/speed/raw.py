"""What a request asks of PostgreSQL, as scripts for pgbench: `python -m tests.bench.speed.raw`.

Requests run through the application in this process, and each statement is written down with its
values. What differs between two runs of the very same request is new each time (ids, keys, digests)
and becomes a variable that the script draws anew, and so do the member of a sale and who sells, out
of all of them: a few would wait for each other's rows. Everything else stays as it was.
Transactions and savepoints stand where they stood.
"""

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from psycopg import sql

from tests.bench.speed import BUYER, CASHIER, CASHIER_SESSION, MEMBER, filled
from tests.bench.speed.wsgi import application

NAMED = re.compile(r"%\((\w+)\)[sbt]|%[sbt]|%%")
QUOTED = re.compile(r"\b[eE]?'(?:[^']|'')*'")

DRAWN = {MEMBER: "member", CASHIER: "cashier", CASHIER_SESSION: "session"}

# The bell of the outbox and the throttles are Redis; everything here is PostgreSQL.
type Said = tuple[str, list[tuple[str, Any]], bool]


def parts(statement: str, values: Any) -> list[tuple[str, Any]]:
    """The text before each value, with it; the end of the text comes with None."""
    found, last, number = [], 0, 0
    text = ""
    for match in NAMED.finditer(statement):
        text += statement[last : match.start()]
        last = match.end()
        if match[0] == "%%":
            text += "%"
            continue
        value = values[match[1]] if match[1] else values[number]
        number += 1
        found.append((text, value))
        text = ""
    return [*found, (text + statement[last:], None)] if values else [(statement, None)]


@contextmanager
def written_down() -> Iterator[list[tuple[list[tuple[str, Any]], bool]]]:
    said: list[tuple[list[tuple[str, Any]], bool]] = []

    def note(execute: Any, statement: Any, values: Any, many: bool, context: Any) -> Any:
        said.append((parts(str(statement), values), connection.in_atomic_block))
        return execute(statement, values, many, context)

    with connection.execute_wrapper(note):
        yield said


def ask(app: WSGIHandler, text: str) -> None:
    """One request, given as the client sends it."""
    head, _gap, body = text.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    method, target, _version = first.split(" ")
    path, _mark, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": io.BytesIO(body.encode()),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
    }
    for line in lines:
        name, _colon, value = line.partition(": ")
        bare = name.upper().replace("-", "_")
        environ[bare if bare.startswith("CONTENT_") else f"HTTP_{bare}"] = value
    got: list[str] = []
    answer = app(environ, lambda status, _headers: got.append(status))
    content = b"".join(answer)
    answer.close()  # type: ignore[attr-defined]
    if got[0][0] != "2":
        sys.exit(f"{text}\n{got[0]}\n{content.decode()}")


def script(app: WSGIHandler, text: str, number: int, *, members: int, staff: int) -> str:
    """The request's statements with what is new each time as variables."""
    first, second = _alike(app, text, number, members)
    variables: dict[str, str] = {}
    read = partial(_value, variables=variables, is_drawn=BUYER in text)
    lines, is_inside = [], False
    for (one, inside), (two, _) in zip(first, second, strict=True):
        if inside != is_inside:
            lines.append("BEGIN;" if inside else "COMMIT;")
            is_inside = inside
        lines.append(_statement(one, two, read))
    if is_inside:
        lines.append("COMMIT;")
    drawn = [f"gen_random_uuid() AS {name}" for name in variables.values()]
    if BUYER in text:
        drawn += [
            f"'{start}' || lpad(to_hex({'m' if name == 'member' else 's'}), 12, '0') AS {name}"
            for start, name in DRAWN.items()
        ]
    numbers = f"floor(random() * {members})::int m, floor(random() * {staff})::int s"
    before = [f"SELECT {', '.join(drawn)} FROM (SELECT {numbers}) d \\gset"] if drawn else []
    return "\n".join(before + lines) + "\n"


def _alike(app: WSGIHandler, text: str, number: int, members: int) -> tuple[Any, Any]:
    """What two runs in a row said in the same words. A run may say more than the next: it fills a
    cache, or notes when she was last seen."""
    before: Any = None
    for turn in "abcdef":
        with written_down() as said:
            key = f"raw-{number}-{turn}-{os.getpid()}"
            ask(app, filled(text, key=key, members=members))
        if before is not None and _words(before) == _words(said):
            return before, said
        before = said
    sys.exit(f"No two runs are alike:\n{text}")


def _words(said: Any) -> list[list[str]]:
    # The name of a savepoint is new each time and stands in the text itself.
    return [[re.sub(r"_x\d+", "", before) for before, _value in parts] for parts, _ in said]


def _statement(
    one: list[tuple[str, Any]], two: list[tuple[str, Any]], read: Callable[[Any, Any], str]
) -> str:
    text = ""
    for (before, value), (_same, other) in zip(one[:-1], two[:-1], strict=True):
        text += before
        text += read(value, other)
    text += one[-1][0]
    return " ".join(text.split()).rstrip(";") + ";"


def _value(value: Any, other: Any, *, variables: dict[str, str], is_drawn: bool) -> str:
    """As SQL: what differs from the other run is a variable if it may be a key."""
    if isinstance(value, list) and value and isinstance(value[0], UUID):
        read = partial(_value, variables=variables, is_drawn=is_drawn)
        each = [read(one, one if one in other else None) for one in value]
        return f"ARRAY[{', '.join(f'{one}::uuid' if one[0] == ':' else one for one in each)}]"
    name = DRAWN.get(str(value)[: len(MEMBER)]) if is_drawn else None
    if name and isinstance(value, UUID | str):
        return f":{name}::uuid" if isinstance(value, UUID) else f":{name}"
    if value != other and isinstance(value, UUID | str) and _is_key(value):
        return ":" + variables.setdefault(str(value), f"v{len(variables)}")
    return _literal(value)


def _is_key(value: Any) -> bool:
    """An id, or a text made of one or of a digest: what a unique column may hold. Long texts
    (payloads, sealed answers) may stay as they are."""
    return isinstance(value, UUID) or (8 <= len(value) <= 80 and "{" not in value)


def _literal(value: Any) -> str:
    """As SQL; no colon stands in a quoted text, or pgbench would take it for a variable."""
    plain = sql.Literal(value).as_string(connection.connection)
    return QUOTED.sub(_without_colons, plain)


def _without_colons(match: re.Match[str]) -> str:
    text = match[0]
    if ":" not in text:
        return text
    inner = text[text.index("'") :]
    if text[0] == "'":
        inner = inner.replace("\\", "\\\\")
    return "E" + inner.replace(":", "\\x3A")


def main() -> None:
    """Standard input: {"folder", "members": how many, "staff": how many, "paths": {name: [requests]}}."""
    asked = json.load(sys.stdin)
    counts, crowd = {}, {"members": asked["members"], "staff": asked["staff"]}
    for name, texts in asked["paths"].items():
        for number, text in enumerate(texts):
            made = script(application, text, number, **crowd)
            Path(asked["folder"], f"{name}.{number}.sql").write_text(made)
            counts[name] = sum(1 for line in made.splitlines() if not line.endswith("\\gset"))
    sys.stdout.write(json.dumps(counts))


if __name__ == "__main__":
    main()
