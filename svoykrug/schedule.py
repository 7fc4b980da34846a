"""What Celery Beat does and when, times in Europe/Moscow. docs/operations.md has a row for each."""

from typing import Any

from celery.schedules import crontab

SCHEDULE: dict[str, dict[str, Any]] = {
    "events.sweep": {"task": "apps.events.tasks.sweep", "schedule": 30},
    # What comes every few seconds is worth nothing later: it never piles up behind long work.
    "core.heartbeat": {
        "task": "apps.core.tasks.heartbeat",
        "schedule": 5,
        "options": {"expires": 15},
    },
    "core.drain_outbox": {
        "task": "apps.core.tasks.drain_outbox",
        "schedule": 5,
        "options": {"expires": 10},
    },
    "analytics.load_facts": {"task": "apps.analytics.tasks.load_facts", "schedule": 60},
    "analytics.keep_dashboards": {
        "task": "apps.analytics.tasks.keep_dashboards",
        "schedule": crontab(minute=35),
    },
    "analytics.snapshot_rfm": {
        "task": "apps.analytics.tasks.snapshot_rfm",
        "schedule": crontab(hour="2-6", minute=15),
    },
    "analytics.score_churn": {
        "task": "apps.analytics.tasks.score_churn",
        "schedule": crontab(hour="2-6", minute=40),
    },
    "analytics.reconcile": {
        "task": "apps.analytics.tasks.reconcile",
        "schedule": crontab(hour=4, minute=25),
    },
    "analytics.forget_exports": {
        "task": "apps.analytics.tasks.forget_exports",
        "schedule": crontab(hour=4, minute=35),
    },
    "analytics.fit_churn": {
        "task": "apps.analytics.tasks.fit_churn",
        "schedule": crontab(day_of_week=1, hour="1,3,5", minute=50),
    },
    "notifications.deliver_due": {
        "task": "apps.notifications.tasks.deliver_due",
        "schedule": 5,
        "options": {"queue": "high"},
    },
    "notifications.resume_broadcasts": {
        "task": "apps.notifications.tasks.resume_broadcasts",
        "schedule": 60,
        "options": {"queue": "medium"},
    },
    "notifications.watch_providers": {
        "task": "apps.notifications.tasks.watch_providers",
        "schedule": 600,
    },
    "notifications.weekly_digest": {
        "task": "apps.notifications.tasks.weekly_digest",
        "schedule": crontab(day_of_week=1, hour=10, minute=0),
    },
    "notifications.forget_old": {
        "task": "apps.notifications.tasks.forget_old",
        "schedule": crontab(minute=45),
    },
    "loyalty.nightly": {
        "task": "apps.loyalty.tasks.nightly",
        "schedule": crontab(hour=0, minute=5),
    },
    "loyalty.warn": {"task": "apps.loyalty.tasks.warn", "schedule": crontab(hour=11, minute=0)},
    "loyalty.time_out_holds": {"task": "apps.loyalty.tasks.time_out_holds", "schedule": 60},
    "loyalty.move_offers": {"task": "apps.loyalty.tasks.move_offers", "schedule": 60},
    "loyalty.lapse_referrals": {
        "task": "apps.loyalty.tasks.lapse_referrals",
        "schedule": crontab(hour=0, minute=40),
    },
    "loyalty.audit": {"task": "apps.loyalty.tasks.audit", "schedule": crontab(hour=3, minute=0)},
    "loyalty.close_month": {
        "task": "apps.loyalty.tasks.close_month",
        "schedule": crontab(hour=1, minute=30),
    },
    "loyalty.refresh_exposure": {"task": "apps.loyalty.tasks.refresh_exposure", "schedule": 60},
    "core.forget_old": {"task": "apps.core.tasks.forget_old", "schedule": crontab(minute=40)},
    "core.seal_audit": {"task": "apps.core.tasks.seal_audit", "schedule": 60},
    "core.anchor_audit": {"task": "apps.core.tasks.anchor_audit", "schedule": crontab(minute=2)},
    "core.verify_audit": {
        "task": "apps.core.tasks.verify_audit",
        "schedule": crontab(hour=4, minute=10),
    },
    "accounts.watch_codes": {"task": "apps.accounts.tasks.watch_codes", "schedule": 60},
    "accounts.forget_old": {
        "task": "apps.accounts.tasks.forget_old",
        "schedule": crontab(minute=50),
    },
    "accounts.serve_phone_moves": {
        "task": "apps.accounts.tasks.serve_phone_moves",
        "schedule": crontab(minute="*/15"),
    },
    "accounts.serve_privacy_requests": {
        "task": "apps.accounts.tasks.serve_privacy_requests",
        "schedule": crontab(hour=5, minute=0),
    },
    "crm.process_waiting_webhooks": {
        "task": "apps.crm.tasks.process_waiting_webhooks",
        "schedule": 60,
    },
    "crm.continue_backfills": {"task": "apps.crm.tasks.continue_backfills", "schedule": 60},
    "crm.reconcile_duplicates": {
        "task": "apps.crm.tasks.reconcile_duplicates",
        "schedule": crontab(minute=20),
    },
    "crm.forget_old": {"task": "apps.crm.tasks.forget_old", "schedule": crontab(hour=4, minute=40)},
    "coupons.expire_due": {
        "task": "apps.coupons.tasks.expire_due",
        "schedule": crontab(minute=10),
    },
    "coupons.make_missing_codes": {
        "task": "apps.coupons.tasks.make_missing_codes",
        "schedule": 60,
    },
    "coupons.audit": {"task": "apps.coupons.tasks.audit", "schedule": crontab(hour=3, minute=5)},
    "crosspromo.hourly": {"task": "apps.crosspromo.tasks.hourly", "schedule": crontab(minute=20)},
    "crosspromo.recompute_matrix": {
        "task": "apps.crosspromo.tasks.recompute_matrix",
        "schedule": crontab(minute=25),
    },
}
