"""Events of the circle.

* Event: a members' proposal or a curated event, one resource from draft to memories.
* EventChange: every move of its state, with who and why.
* VoteRecord: one current vote a person, weight kept as cast.
* Case: a moderator's claim and decision.
* Seat: one row for each place there is. A seat is taken by pointing it at a registration, so that
  a twenty-first guest of twenty has no row to stand on.
* EventRegistration: one active row a person and event; RegistrationChange is its history.
* Penalty: points with the registration that caused them.
* Scan: what a device at the door saw, accepted or not.
* Feedback, CalendarFeed, Timer: opinions, personal calendars, timed work as rows.

No counters: seats taken, points, attendance are sums over rows.
"""

from apps.events.models.door import Feedback, Scan
from apps.events.models.events import Event, EventChange
from apps.events.models.places import EventRegistration, Penalty, RegistrationChange, Seat
from apps.events.models.timed import CalendarFeed, Timer
from apps.events.models.voting import Case, VoteRecord

__all__ = [
    "CalendarFeed",
    "Case",
    "Event",
    "EventChange",
    "EventRegistration",
    "Feedback",
    "Penalty",
    "RegistrationChange",
    "Scan",
    "Seat",
    "Timer",
    "VoteRecord",
]
