from django.urls import path

from apps.events.api.calendars import CalendarViewSet, FeedViewSet
from apps.events.api.door import AttendeeViewSet, DoorViewSet
from apps.events.api.views import EventViewSet, ModerationViewSet, PlaceViewSet

one = "events/<uuid:pk>"
urlpatterns = [
    path("events", EventViewSet.as_view({"get": "list", "post": "create"}), name="events"),
    path("events/moderation", ModerationViewSet.as_view({"get": "list"}), name="events-moderation"),
    path(one, EventViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="event"),
    path(f"{one}/submit", EventViewSet.as_view({"post": "submit"}), name="event-submit"),
    path(f"{one}/withdraw", EventViewSet.as_view({"post": "withdraw"}), name="event-withdraw"),
    path(f"{one}/vote", EventViewSet.as_view({"post": "vote"}), name="event-vote"),
    path(f"{one}/claim", ModerationViewSet.as_view({"post": "claim"}), name="event-claim"),
    path(f"{one}/moderate", ModerationViewSet.as_view({"post": "moderate"}), name="event-moderate"),
    path(
        f"{one}/register",
        PlaceViewSet.as_view({"post": "register", "delete": "leave"}),
        name="event-register",
    ),
    path(f"{one}/offer", PlaceViewSet.as_view({"post": "offer"}), name="event-offer"),
    path(f"{one}/answer", PlaceViewSet.as_view({"post": "answer"}), name="event-answer"),
    path(f"{one}/ticket", PlaceViewSet.as_view({"get": "ticket"}), name="event-ticket"),
    path(f"{one}/calendar.ics", CalendarViewSet.as_view({"get": "event"}), name="event-calendar"),
    path("calendar/token", CalendarViewSet.as_view({"post": "reset"}), name="calendar-token"),
    path("calendar/<str:token>.ics", FeedViewSet.as_view({"get": "feed"}), name="calendar"),
    path(f"{one}/roster", DoorViewSet.as_view({"get": "roster"}), name="event-roster"),
    path(f"{one}/check-in", DoorViewSet.as_view({"post": "check_in"}), name="event-check-in"),
    path(f"{one}/attendees", AttendeeViewSet.as_view({"get": "list"}), name="event-attendees"),
    path(f"{one}/cancel", EventViewSet.as_view({"post": "cancel"}), name="event-cancel"),
    path(f"{one}/feedback", EventViewSet.as_view({"post": "feedback"}), name="event-feedback"),
]
