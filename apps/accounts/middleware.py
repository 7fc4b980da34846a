"""Browser sessions of staff: idle and absolute limits, pinned to the browser, listed as devices."""

import hashlib
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.accounts import rights, rules, services
from apps.accounts.enums import Job
from apps.core import context

log = structlog.get_logger(__name__)
STAMP = "web_session"  # in the session: id, key, since, seen, browser


def _browser(request: HttpRequest) -> str:
    agent = request.headers.get("User-Agent", "")
    return hashlib.sha256(agent.encode()).hexdigest()[:32]


class WebSessionMiddleware:
    """Stands behind authentication. Whoever signs in, by any page, is entered into the list of
    sessions before the answer leaves; a session that is over is signed out before the view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        session: Any = request.session
        if auth.SESSION_KEY in session:
            self._before(request)
        key = session.session_key if auth.SESSION_KEY in session else None
        response = self.get_response(request)
        now_in = auth.SESSION_KEY in session
        if key and not (now_in and session.session_key == key):  # out, or somebody else came
            services.end_web_session(web_key=key, because="signed_out", at=timezone.now())
        if now_in:
            self._enter(request)
        return response

    def _before(self, request: HttpRequest) -> None:
        session: Any = request.session
        stamp = session.get(STAMP)
        because = _over(request, stamp)
        if because:
            services.end_web_session(
                web_key=session.session_key, because=because, at=timezone.now()
            )
            auth.logout(request)
            return
        if stamp is None:
            stamp = self._enter(request)
        who = context.caller()
        context.bind(context.Caller(who.request_id, stamp["id"], who.address))
        if time.time() - stamp["seen"] >= rules.SEEN_EVERY:
            session[STAMP] = stamp | {"seen": time.time()}
            services.note_web_seen(session_id=stamp["id"], at=timezone.now())

    def _enter(self, request: HttpRequest) -> dict[str, Any]:
        """Note a session that is not in the list: a new sign-in has a new key."""
        session: Any = request.session
        stamp = session.get(STAMP)
        if stamp and stamp["key"] == session.session_key:
            return dict(stamp)
        row = services.open_web_session(
            user=request.user,  # type: ignore[arg-type]
            web_key=session.session_key,
            browser=rules.browser_name(request.headers.get("User-Agent", "")),
            address=context.caller().address,
            at=timezone.now(),
        )
        now = time.time()
        session[STAMP] = {
            "id": str(row.pk),
            "key": session.session_key,
            "since": now,
            "seen": now,
            "browser": _browser(request),
        }
        return dict(session[STAMP])


def _over(request: HttpRequest, stamp: dict[str, Any] | None) -> str:
    """Why this session ends now, or an empty string."""
    user: Any = request.user
    if not user.is_authenticated:
        return "blocked"
    if not user.job and rights.VIP not in rights.held(job=user.job, tier=user.tier.code):
        return "job"  # members who may propose or moderate have pages of their own
    if stamp is None:
        return ""
    now = time.time()
    idle = rules.WEB_IDLE_ADMIN if user.job in (Job.ADMIN, Job.SUPERADMIN) else rules.WEB_IDLE
    if now - stamp["since"] >= rules.WEB_ABSOLUTE:
        return "timed_out"
    if now - stamp["seen"] >= idle:
        return "idle"
    if stamp["browser"] != _browser(request):
        log.warning("web_session.other_browser", session=stamp["id"])
        return "other_browser"
    return ""
