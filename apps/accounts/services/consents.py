"""Consents: giving and withdrawing, each purpose and channel apart, with proof (152-FZ, 38-FZ)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from apps.accounts import queries
from apps.accounts.enums import ConsentPurpose, RequestKind, RequestState
from apps.accounts.models import Consent, PrivacyRequest, User
from apps.core import audit, context
from apps.core.errors import Invalid, NotFound

ERASE_WITHIN = timedelta(days=30)  # 152-FZ art. 21 p. 5


class TextOutdated(Invalid):
    """The words have changed since she read them. Nothing was recorded."""

    field = "version"
    message = _("The text has changed. Please read it again: version %(version)s.")


@dataclass(frozen=True)
class Answer:
    """Yes or no to one purpose; `version` is of the text she saw, None for the newest one."""

    given: bool
    version: int | None = None


@transaction.atomic
def answer_consents(
    *,
    member: User,
    answers: dict[ConsentPurpose, Answer],
    at: datetime,
    proof: str,
) -> None:
    """Write her answers down; an answer she has given already is not written twice.

    A withdrawal holds at once: `queries.has_consent` is asked at the moment of sending.

    Withdrawing `personal_data` takes every other consent back too, so that advertising stops in
    the same moment, and opens a request for erasure due in 30 days. Until that day she may give
    the consent again, which takes the request back; on that day a job erases her. Whoever wants
    to be erased at once asks for that (`erase_person`).

    `proof` says how it is known to be her: `session:<id>` or `code:<id>`. Raises TextOutdated,
    NotFound for an erased person.
    """
    person = User.objects.select_for_update(of=("self",)).get(pk=member.pk)
    if person.erased_at:
        raise NotFound
    if _withdraws_all(answers):
        answers = {purpose: Answer(given=False) for purpose in ConsentPurpose}
    changed = _write(person, answers, at=at, proof=proof)
    personal = changed.get(ConsentPurpose.PERSONAL_DATA)
    if personal is not None:
        _follow_up(person, given=personal, at=at)


def _withdraws_all(answers: dict[ConsentPurpose, Answer]) -> bool:
    personal = answers.get(ConsentPurpose.PERSONAL_DATA)
    return personal is not None and not personal.given


def _write(
    person: User, answers: dict[ConsentPurpose, Answer], *, at: datetime, proof: str
) -> dict[ConsentPurpose, bool]:
    """Rows for answers that differ from what stands; which purposes changed and to what."""
    texts = queries.newest_texts()
    stands = queries.newest_consents(person.pk)
    rows = []
    for purpose, answer in answers.items():
        text, before = texts[purpose], stands.get(purpose)
        if answer.given and answer.version not in (None, text.version):
            raise TextOutdated(version=text.version)
        if _is_the_same(answer, before, text.version):
            continue
        # A withdrawal is of what she had agreed to, whatever was published since.
        if answer.given or before is None:
            version, digest = text.version, text.sha256
        else:
            version, digest = before.version, before.text_sha256
        rows.append(
            Consent(
                member=person,
                purpose=purpose,
                given=answer.given,
                version=version,
                text_sha256=digest,
                at=at,
                proof=proof,
                address=context.caller().address,
                language="en" if translation.get_language() == "en" else "ru",
            )
        )
    Consent.objects.bulk_create(rows)
    for row in rows:
        action = "accounts.consent_given" if row.given else "accounts.consent_withdrawn"
        audit.record(person, action, "consent", row.pk)
    return {ConsentPurpose(row.purpose): row.given for row in rows}


def _is_the_same(answer: Answer, before: Consent | None, version: int) -> bool:
    if before is None:
        return not answer.given  # a no to what was never agreed to needs no row
    return before.given == answer.given and (not answer.given or before.version == version)


def _follow_up(person: User, *, given: bool, at: datetime) -> None:
    """Open the request for erasure that a withdrawal means, or take it back."""
    waiting = PrivacyRequest.objects.filter(
        member=person, kind=RequestKind.ERASURE, state=RequestState.OPEN
    )
    if given:
        waiting.update(state=RequestState.TAKEN_BACK, closed_at=at)
    elif not waiting.exists():
        request = PrivacyRequest.objects.create(
            member=person, kind=RequestKind.ERASURE, received_at=at, due_at=at + ERASE_WITHIN
        )
        audit.record(person, "accounts.privacy_request", "privacyrequest", request.pk)


def forget_all(person: User, *, at: datetime) -> None:
    """At erasure, inside its transaction: every consent ends, and what tells where she was when
    she gave it goes; purpose, text, time stay as the proof the law asks for."""
    given = [row.purpose for row in queries.newest_consents(person.pk).values() if row.given]
    answers = {ConsentPurpose(purpose): Answer(given=False) for purpose in given}
    _write(person, answers, at=at, proof="")
    Consent.objects.filter(member=person).update(address=None, proof="")
