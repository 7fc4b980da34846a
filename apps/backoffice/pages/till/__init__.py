"""The till: find the member, enter the sum, see the result; return, shift, settings.

Every step is a plain form that answers with a redirect; htmx swaps the same steps in place.
Enter goes forward, Esc goes back (static/js/till.js).
"""

from apps.backoffice.pages.till.coupon import coupon
from apps.backoffice.pages.till.finding import find, start
from apps.backoffice.pages.till.operating import confirm, operation, quote
from apps.backoffice.pages.till.place import choose, lock
from apps.backoffice.pages.till.queue import queue
from apps.backoffice.pages.till.result import sale, slip, undo
from apps.backoffice.pages.till.returning import find_return, return_sale
from apps.backoffice.pages.till.shell import shell, worker
from apps.backoffice.pages.till.shift import close, settings, shift

__all__ = [
    "choose",
    "close",
    "confirm",
    "coupon",
    "find",
    "find_return",
    "lock",
    "operation",
    "queue",
    "quote",
    "return_sale",
    "sale",
    "settings",
    "shell",
    "shift",
    "slip",
    "start",
    "undo",
    "worker",
]
