"""The audit log as a hash chain (security.md part 8): sealed by a job, anchored outside, verified.

`seal` takes rows in the order of their numbers and writes hash = SHA-256(hash before, row). The
hot path stays free of a common lock: only the one sealing job waits in line. A missing number
stops it until it is ten minutes old: a transaction may still be open. Then it was rolled back,
and the gap gets a link of its own, so that a row put there later is found.

The chain alone cannot show that its tail was cut or that all of it was reckoned anew. `anchor`
writes its head every hour to a file that the database cannot reach; `verify` compares.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain as join
from typing import Any

import orjson
from django.db import connection, transaction

from apps.core import append_file
from apps.core.models import AuditEntry, AuditSeal, Beat

LOCK = 7_206_151_303  # one sealer at a time; any number
BATCH = 1000
PATIENCE = timedelta(minutes=10)  # what an open transaction may take before its number is given up
GENESIS = "0" * 64
ANCHOR_DUE = timedelta(hours=2)  # no anchor for so long is an alarm of its own
# The order is part of the chain: new columns go to the end, under a new mark.
MARK = "audit-1"
COLUMNS = (
    "id",
    "at",
    "actor_id",
    "actor_job",
    "session_id",
    "address",
    "action",
    "object_type",
    "object_id",
    "business_id",
    "reason",
    "digest",
    "request_id",
)
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Verdict:
    """`upto` is the last number that stands whole; `bad` the first that does not, and why."""

    upto: int
    bad: int | None = None
    because: str = ""
    unsealed: int = 0

    @property
    def whole(self) -> bool:
        return self.bad is None


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value if isinstance(value, int | str | None) else str(value)


def row_link(before: str, row: Row) -> str:
    """The hash of one audit row after the link `before`."""
    return _link(before, [MARK, *map(_text, row)])


def gap_link(before: str, first: int, last: int) -> str:
    """The hash that explains numbers which no row has."""
    return _link(before, [MARK, "gap", first, last])


def _link(before: str, words: list[Any]) -> str:
    return hashlib.sha256(before.encode() + b"\n" + orjson.dumps(words)).hexdigest()


# --- sealing -------------------------------------------------------------------------------------
def seal(*, at: datetime) -> int:
    """Seal everything that can be sealed; how many links were written. Safe to ring twice."""
    written = 0
    while batch := _seal_batch(at=at):
        written += batch
    return written


@transaction.atomic
def _seal_batch(*, at: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
    head = AuditSeal.objects.order_by("-entry_id").first()
    last, before = (head.last_id, head.hash) if head else (0, GENESIS)
    rows = AuditEntry.objects.filter(pk__gt=last).order_by("pk").values_list(*COLUMNS)[:BATCH]
    links = list(_links(rows, last=last, before=before, at=at))
    AuditSeal.objects.bulk_create(links)
    return len(links)


def _links(rows: Any, *, last: int, before: str, at: datetime) -> Iterator[AuditSeal]:
    for row in rows:
        number, moment = row[0], row[1]
        if number > last + 1:
            if at - moment < PATIENCE:
                return
            before = gap_link(before, last + 1, number - 1)
            yield AuditSeal(
                entry_id=last + 1,
                last_id=number - 1,
                kind=AuditSeal.Kind.GAP,
                hash=before,
                sealed_at=at,
            )
        before = row_link(before, row)
        yield AuditSeal(entry_id=number, last_id=number, hash=before, sealed_at=at)
        last = number


# --- anchors -------------------------------------------------------------------------------------
def anchor(*, path: Any, at: datetime, restored_because: str = "") -> int | None:
    """Append the chain's head to the file; its number, None when nothing is sealed yet.

    `restored_because` is given once after a restore to an earlier moment: anchors of numbers above
    the head then no longer count, and the file keeps both, with the reason.
    """
    head = AuditSeal.objects.order_by("-entry_id").first()
    if head is None:
        return None
    line = {"at": _text(at), "entry": head.last_id, "hash": head.hash}
    if restored_because:
        line["restored"] = restored_because
    append_file.append(path, [line])
    return head.last_id


def _anchors(path: Any) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for line in append_file.read(path):
        if line.get("restored"):
            found = {number: kept for number, kept in found.items() if number <= line["entry"]}
        found.setdefault(line["entry"], line)
    return found


# --- verifying -----------------------------------------------------------------------------------
def verify(*, path: Any, at: datetime) -> Verdict:
    """Walk the whole chain beside the rows and the anchors; stops at the first bad number."""
    anchors = _anchors(path)
    upto, before, oldest = 0, GENESIS, None
    rows = _Rows()
    for link in AuditSeal.objects.order_by("entry_id").iterator(chunk_size=BATCH):
        oldest = oldest or link.sealed_at
        wrong = _wrong(link, upto=upto, before=before, row=rows.upto(link.last_id))
        anchored = anchors.pop(link.last_id, None)
        if not wrong and anchored and anchored["hash"] != link.hash:
            wrong = link.last_id, f"the chain was rewritten: the anchor of {anchored['at']} differs"
        if wrong:
            return Verdict(upto, *wrong)
        upto, before = link.last_id, link.hash
    if anchors:
        number = min(anchors)
        first = max(upto + 1, 1) if number > upto else number
        return Verdict(upto, first, f"cut off: №{number} is anchored and not in the chain")
    return _verify_tail(upto=upto, oldest=oldest, path=path, at=at)


VERDICT = "audit.chain"  # the Beat row whose note the audit page shows


def note(verdict: Verdict, *, at: datetime) -> None:
    """Keep the newest verdict for whoever looks at the log."""
    told = {"upto": verdict.upto, "bad": verdict.bad, "because": verdict.because[:120]}
    defaults = {"at": at, "note": orjson.dumps(told).decode()[:200]}
    Beat.objects.update_or_create(name=VERDICT, defaults=defaults)


def last_verdict() -> tuple[datetime, Verdict] | None:
    """When the chain was walked last, and what was found; None before the first night."""
    kept = Beat.objects.filter(name=VERDICT).first()
    return (kept.at, Verdict(**orjson.loads(kept.note))) if kept else None


def _wrong(link: AuditSeal, *, upto: int, before: str, row: Row | None) -> tuple[int, str] | None:
    """(number, why) when this link does not continue the chain over the rows as they are."""
    if link.entry_id != upto + 1:
        return upto + 1, "its seal is missing"
    if link.kind == AuditSeal.Kind.GAP:
        if row:
            return row[0], "a row stands where the number was given up"
        expected = gap_link(before, link.entry_id, link.last_id)
    elif row is None:
        return link.entry_id, "the row is gone"
    else:
        expected = row_link(before, row)
    return None if expected == link.hash else (link.entry_id, "the row or its seal was changed")


class _Rows:
    """Audit rows in order, read along with the seals."""

    def __init__(self) -> None:
        rows = AuditEntry.objects.order_by("pk").values_list(*COLUMNS)
        self._rest: Iterator[Row] = rows.iterator(chunk_size=BATCH)

    def upto(self, number: int) -> Row | None:
        """The next row when its number is at most `number`, else None."""
        row = next(self._rest, None)
        if row is not None and row[0] > number:
            self._rest = join([row], self._rest)
            return None
        return row


def _verify_tail(*, upto: int, oldest: datetime | None, path: Any, at: datetime) -> Verdict:
    """Rows not sealed yet must have numbers that the sequence gave out; anchors must exist."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM core_auditentry_id_seq")
        given_out = cursor.fetchone()[0]
    waiting = AuditEntry.objects.filter(pk__gt=upto)
    forged = waiting.filter(pk__gt=given_out).order_by("pk").values_list("pk", flat=True).first()
    if forged:
        return Verdict(upto, forged, "its number was never given out")
    if oldest and at - oldest > ANCHOR_DUE and not append_file.read(path):
        return Verdict(upto, 1, "there is no anchor: the anchor file is missing or empty")
    return Verdict(upto, unsealed=waiting.count())
