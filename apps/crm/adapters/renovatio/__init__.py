"""МИС Renovatio (medicine). Lists without pages, nothing tells what changed: the last months are
read again in pieces and compared. A phone that several patients share needs the birth date too.

Rights are given by method, and some clinics open payments but not invoices: `source` payments
reads those. One source for good: both of one clinic would count every visit twice. Appointments
are never a source, their price is no proof of a payment."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from apps.crm import rules
from apps.crm.adapters.base import NOBODY, BaseCRMAdapter, Customer, Document, Hint, Place
from apps.crm.adapters.renovatio import signature
from apps.crm.adapters.renovatio.mapping import PAID, Register, birth_date, invoice, payment
from apps.crm.adapters.renovatio.transport import POLICY, Transport
from apps.crm.adapters.times import days, spans
from apps.crm.enums import System, Trouble
from apps.crm.net import Failed, Policy

SPAN = 31  # days; over three months the server fails


class RenovatioAdapter(BaseCRMAdapter):
    system: ClassVar[System] = System.RENOVATIO
    policy: ClassVar[Policy] = POLICY
    fields: ClassVar[tuple[str, ...]] = ("api_key",)
    settings: ClassVar[tuple[str, ...]] = ("clinic_id",)
    extras: ClassVar[tuple[str, ...]] = ("source",)
    poll_minutes: ClassVar[int] = 10
    lookback_days: ClassVar[int] = 60
    usual_url: ClassVar[str] = "https://app.rnova.org"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.wire = Transport(self.client, place)
        self.clinic = str(place.options.get("clinic_id", ""))
        self.by_payments = place.options.get("source") == "payments"
        self.guests: dict[str, Customer] = {}

    def sign_in(self) -> None:
        clinics = self.wire.rows("getClinics")
        if self.clinic not in {str(one.get("id")) for one in clinics}:
            raise Failed(Trouble.RIGHTS)

    def check_reading(self) -> None:
        today = datetime.now(self.zone).date()
        list(self._rows(today, today))

    def fetch_transactions(self, since: datetime, until: datetime) -> Iterator[Document]:
        first, last = days(since, until, self.zone)
        found = self._payments(first, last) if self.by_payments else self._invoices(first, last)
        yield from (one for one in found if since <= one.occurred_at < until)

    def _invoices(self, first: date, last: date) -> Iterator[Document]:
        for row in self._rows(first, last):
            found = invoice(row, self.zone)
            if found:
                yield found

    def _payments(self, first: date, last: date) -> Iterator[Document]:
        """A payment back belongs to a payment that may lie before these days."""
        rows = list(self._rows(first, last))
        register = Register(rows)
        if any(register.is_orphan(row) for row in rows):
            back = first - timedelta(days=self.lookback_days)
            register.add(self._rows(back, first - timedelta(days=1)))
        for row in rows:
            found = payment(row, self.zone, register)
            if found:
                yield found

    def _rows(self, first: date, last: date) -> Iterator[Mapping[str, Any]]:
        method = "getPayments" if self.by_payments else "getInvoices"
        more = {} if self.by_payments else {"status": PAID}
        for start, end in spans(first, last, SPAN):
            yield from self.wire.rows(
                method,
                date_from=f"{start:%d.%m.%Y}",
                date_to=f"{end:%d.%m.%Y}",
                clinic_id=self.clinic,
                **more,
            )

    def customer_of(self, document: Document) -> Customer | None:
        number = document.customer_id
        if not number:
            return NOBODY
        if number not in self.guests:
            self.guests[number] = self._patient(number)
        return self.guests[number]

    def _patient(self, number: str) -> Customer:
        found = self._patients(patient_id=number)
        if not found:
            return Customer(id=number)
        phone = str(found[0].get("mobile") or "")
        family = self._patients(mobile=phone) if phone else []
        ids = {str(one.get("patient_id") or one.get("id")) for one in family}
        return Customer(
            id=number,
            phone=phone,
            birth_date=birth_date(found[0]),
            shared=len(ids) > 1,
        )

    def _patients(self, **asked: str) -> Sequence[Mapping[str, Any]]:
        """Nobody found is an error of theirs, too."""
        try:
            return self.wire.rows("getPatient", **asked)
        except Failed as failed:
            if failed.trouble == Trouble.REFUSED and (failed.status or 200) < 300:
                return []
            raise

    def get_customer_by_phone(self, phone: str) -> Customer | None:
        found = [
            one
            for one in self._patients(mobile=phone)
            if rules.same_phone(one.get("mobile"), phone)
        ]
        if len(found) != 1:  # several of a family: nobody may be guessed
            return None
        number = str(found[0].get("patient_id") or found[0].get("id"))
        return Customer(id=number, phone=phone, birth_date=birth_date(found[0]))

    @classmethod
    def read_hint(
        cls, headers: Mapping[str, str], body: bytes, *, options: Mapping[str, Any]
    ) -> Hint:
        return signature.read_hint(body)
