"""`Can("transactions.record")`: the table of rights before an API view."""

from typing import Any, ClassVar

from rest_framework.permissions import BasePermission

from apps.accounts import freshness, rights
from apps.accounts.rights import Row
from apps.core.errors import NotFound, StatusRequired


class Gate(BasePermission):
    """Opens as the table says. Nobody signed in: 401. A missing tier: STATUS_REQUIRED. A missing
    job: FORBIDDEN, and so a second factor that is not fresh where the row wants one. An object of another business: NOT_FOUND, as if it did not exist."""

    whole: ClassVar[str]
    names: ClassVar[list[str]]
    of_action: ClassVar[dict[str, str]]

    @classmethod
    def row_of(cls, action: str | None) -> Row | None:
        """The row of a view's action; None for a method that the view does not take."""
        name = cls.of_action.get(action or "", cls.whole)
        return rights.TABLE[name] if name else None

    @classmethod
    def is_public(cls) -> bool:
        return all(rights.PUBLIC in rights.TABLE[name].who for name in cls.names)

    # --- what the schema tells of it -----------------------------------------------------------
    @classmethod
    def is_open(cls, action: str) -> bool:
        """Whether the action asks nobody to sign in."""
        row = cls.row_of(action)
        return row is not None and rights.PUBLIC in row.who

    @classmethod
    def codes_of(cls, action: str) -> set[str]:
        """The codes with which this gate stays closed."""
        row = cls.row_of(action)
        if row is None or rights.PUBLIC in row.who:
            return set()
        codes = {"UNAUTHENTICATED"}
        if rights.MEMBER not in row.who or row.fresh or row.but_not:
            codes.add("STATUS_REQUIRED" if row.who & rights.TIERS else "FORBIDDEN")
        if row.scope is rights.BUSINESS:
            codes.add("NOT_FOUND")
        return codes

    @classmethod
    def words_of(cls, action: str) -> str:
        """Who may call it, in the words of the table of rights."""
        row = cls.row_of(action)
        if row is None:
            return ""
        who = ", ".join(one.name.lower().replace("_of", "") for one in row.who if one.name)
        reach = "" if row.scope is rights.ALL or rights.PUBLIC in row.who else row.scope.value
        fresh = "; a second factor of the last 15 minutes" if row.fresh else ""
        return f"{who}{f' ({reach})' if reach else ''}{fresh}."

    def has_permission(self, request: Any, view: Any) -> bool:
        row, user = self.row_of(view.action), request.user
        if row is None:  # an undeclared method (DRF answers 405) or OPTIONS
            known = user.is_authenticated or self.is_public()
            return bool(known and view.action in (None, "metadata"))
        if rights.PUBLIC in row.who:
            return True
        if not user.is_authenticated:
            return False
        if row.opens_to(rights.held(job=user.job, tier=user.tier.code)):
            if row.fresh and not freshness.is_fresh(request):
                raise freshness.ConfirmFirst
            return True
        if row.who & rights.TIERS:
            raise StatusRequired
        return False

    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        """`obj` is a business or belongs to one by `obj.business`. Rights are read from the
        database now, not from a token or a list."""
        row = self.row_of(view.action)
        if row is None or row.scope is not rights.BUSINESS:
            return row is not None
        if not request.user.has_perm(row.permission, getattr(obj, "business", obj)):
            raise NotFound
        return True


def Can(whole: str = "", **of_action: str) -> type[Gate]:
    """A permission class: one row for a whole view, or `list="…", create="…"` by its actions.
    Raises KeyError at import when the table has no such row."""
    names = [rights.TABLE[name].action for name in (whole, *of_action.values()) if name]
    return type("Can", (Gate,), {"whole": whole, "of_action": of_action, "names": names})
