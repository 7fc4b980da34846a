"""A refusal is a value of the domain: what happened, in the contract's code and in words.

Services raise subclasses that stand beside them. `apps.core.http.errors` alone knows which HTTP
status belongs to which code.
"""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _


class Refused(Exception):
    """The request was understood and is declined; nothing was changed.

    `code` is the contract's word (`INSUFFICIENT_BONUS`), `message` a translated sentence with
    %(named)s places, `details` machine-readable facts such as `{"available": "120.00"}`.
    """

    code: ClassVar[str] = "CONFLICT"
    message: Any = _("This cannot be done now.")

    def __init__(self, **details: Any) -> None:
        self.details = details
        super().__init__(self.code)

    def __str__(self) -> str:
        return str(self.message) % self.details if self.details else str(self.message)


class Invalid(Refused):
    """One field of a request is wrong. `field` names it for the form or the API."""

    code = "VALIDATION_ERROR"
    message = _("Please check the data.")
    field: ClassVar[str] = "nonFieldErrors"


class NotFound(Refused):
    """It does not exist, or the caller may not know that it does."""

    code = "NOT_FOUND"
    message = _("Not found.")


class Forbidden(Refused):
    """The caller's job or tier does not allow it."""

    code = "FORBIDDEN"
    message = _("You may not do this.")


class StatusRequired(Forbidden):
    """A higher tier would be let in."""

    code = "STATUS_REQUIRED"
    message = _("This opens with a higher status.")


class TooMany(Refused):
    """A limit was reached; `retry_after` says in how many seconds to come back."""

    code = "RATE_LIMITED"
    message = _("Too many attempts. Try again in %(retry_after)s s.")

    def __init__(self, *, retry_after: int, **details: Any) -> None:
        super().__init__(retry_after=retry_after, **details)
