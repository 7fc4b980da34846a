"""What admins search people and the audit log by."""

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts import queries
from apps.accounts.enums import Job, TierCode
from apps.accounts.models import User
from apps.core.http.filters import Filters
from apps.core.models import AuditEntry

ROLES = [("member", "member"), *((job.value, job.value) for job in Job if job)]


class PeopleFilter(Filters):
    """`phone` and `card` exactly, `name` by its beginning, `q` by whichever of them it looks like.
    Whoever is not found is an empty list: nobody learns more from a guess."""

    q = django_filters.CharFilter(method="by_anything", label=_("phone, card, e-mail or name"))
    phone = django_filters.CharFilter(method="by_exact", label=_("exact phone"))
    card = django_filters.CharFilter(method="by_exact", label=_("whole card number"))
    name = django_filters.CharFilter(method="by_name", label=_("beginning of a name"))
    role = django_filters.ChoiceFilter(method="by_role", choices=ROLES)
    status = django_filters.ChoiceFilter(field_name="tier__code", choices=TierCode.choices)
    blocked = django_filters.BooleanFilter(
        field_name="blocked_at", lookup_expr="isnull", exclude=True
    )

    class Meta:
        model = User
        fields: list[str] = []

    def by_exact(self, people: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        found = queries.find_person(value)
        return people.filter(pk=found.pk) if found else people.none()

    def by_name(self, people: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return people.filter(queries.named(value))

    def by_role(self, people: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return people.filter(job=Job.NONE if value == "member" else value)

    def by_anything(self, people: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        if "@" in value or any(sign.isdecimal() for sign in value):
            return self.by_exact(people, name, value)
        return self.by_name(people, name, value)


class AuditFilter(Filters):
    actor = django_filters.UUIDFilter(field_name="actor_id")
    action = django_filters.CharFilter(field_name="action")
    object = django_filters.CharFilter(method="of_object", label=_("id, or type:id"))

    class Meta:
        model = AuditEntry
        fields: list[str] = []

    def of_object(
        self, entries: QuerySet[AuditEntry], name: str, value: str
    ) -> QuerySet[AuditEntry]:
        kind, _colon, pk = value.rpartition(":")
        of_kind = Q(object_type=kind) if kind else Q()
        return entries.filter(of_kind, object_id=pk)


# `from` is a word of Python's own, so these two are declared by name.
AuditFilter.base_filters["from"] = django_filters.IsoDateTimeFilter(
    field_name="at", lookup_expr="gte"
)
AuditFilter.base_filters["to"] = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")
