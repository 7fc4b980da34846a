"""The admin's sidebar: what stands in which group."""

from typing import Any

from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def _page(title: str | Promise, icon: str, model: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist")}


SIDEBAR: list[dict[str, Any]] = [
    {
        "title": _("Work"),
        "items": [
            {
                "title": _("Control"),
                "icon": "inbox",
                "link": reverse_lazy("backoffice:control"),
            }
        ],
    },
    {
        "title": _("People"),
        "items": [
            _page(_("People"), "group", "accounts_user"),
            _page(_("Tiers"), "stairs", "accounts_statustier"),
            _page(_("Sessions"), "devices", "accounts_session"),
            _page(_("Requests for roles"), "how_to_reg", "accounts_jobrequest"),
            _page(_("Trusted devices"), "point_of_sale", "accounts_trusteddevice"),
            _page(_("Limits of SMS codes"), "sms", "accounts_codelimits"),
        ],
    },
    {
        "title": _("Privacy"),
        "items": [
            _page(_("Consents"), "fact_check", "accounts_consent"),
            _page(_("Consent texts"), "article", "accounts_consenttext"),
            _page(_("Requests"), "assignment_late", "accounts_privacyrequest"),
            _page(_("Erasures"), "delete_forever", "accounts_erasure"),
        ],
    },
    {
        "title": _("Partners"),
        "items": [
            _page(_("Businesses"), "storefront", "businesses_business"),
            _page(_("Staff"), "badge", "businesses_membership"),
            _page(_("Offers"), "redeem", "loyalty_offerconstructor"),
            _page(_("Segments"), "group_work", "loyalty_segmententry"),
            _page(_("Invitations"), "group_add", "loyalty_referral"),
            _page(_("Badges"), "military_tech", "loyalty_badgeaward"),
        ],
    },
    {
        "title": _("Money"),
        "items": [
            _page(_("Sales"), "receipt_long", "transactions_transaction"),
            _page(_("Suspicions"), "flag", "transactions_fraudflag"),
            _page(_("Wallets"), "account_balance_wallet", "loyalty_wallet"),
            _page(_("Journal"), "menu_book", "loyalty_journal"),
            _page(_("Lots"), "stacks", "loyalty_lot"),
            _page(_("Adjustments"), "tune", "loyalty_adjustment"),
            _page(_("Numbers of the programme"), "123", "loyalty_loyaltysettings"),
            _page(_("Gifts"), "redeem", "loyalty_gift"),
            _page(_("Settlement"), "balance", "loyalty_statement"),
            _page(_("Lines of statements"), "compare_arrows", "loyalty_statementline"),
            _page(_("Terms of partners"), "contract", "loyalty_terms"),
            {
                "title": _("Unspent bonuses"),
                "icon": "hourglass_bottom",
                "link": reverse_lazy("admin:loyalty_terms_liability"),
            },
        ],
    },
    {
        "title": _("Events"),
        "items": [
            _page(_("Events"), "celebration", "events_event"),
            _page(_("Registrations"), "event_seat", "events_eventregistration"),
            _page(_("Scans"), "qr_code_scanner", "events_scan"),
            _page(_("Votes"), "how_to_vote", "events_voterecord"),
            _page(_("Moderation"), "gavel", "events_case"),
            _page(_("Penalties"), "report", "events_penalty"),
        ],
    },
    {
        "title": _("Messages"),
        "items": [
            _page(_("Messages"), "mail", "notifications_notification"),
            _page(_("Broadcasts"), "campaign", "notifications_broadcast"),
            _page(_("Message texts"), "edit_note", "notifications_template"),
            _page(_("Message providers"), "cell_tower", "notifications_provider"),
            _page(_("Suppressed addresses"), "unsubscribe", "notifications_suppression"),
        ],
    },
    {
        "title": _("Promotion"),
        "items": [
            _page(_("Campaigns"), "campaign", "coupons_campaign"),
            _page(_("Coupons"), "confirmation_number", "coupons_coupon"),
            _page(_("Redemptions"), "redeem", "coupons_redemption"),
            _page(_("Chains"), "link", "crosspromo_chain"),
            _page(_("Versions of chains"), "history", "crosspromo_version"),
            _page(_("Runs of chains"), "conversion_path", "crosspromo_run"),
        ],
    },
    {
        "title": _("CRM"),
        "items": [
            _page(_("Connections"), "cable", "crm_crmintegration"),
            _page(_("Synchronisations"), "sync", "crm_syncrun"),
            _page(_("Records of CRMs"), "inventory", "crm_externalrecord"),
            _page(_("Merged repeats"), "merge", "crm_duplicatemerge"),
        ],
    },
    {
        "title": _("System"),
        "items": [
            _page(_("Audit log"), "policy", "core_auditentry"),
            _page(_("Audit seals"), "link", "core_auditseal"),
            _page(_("Outbox"), "outbox", "core_delivery"),
            _page(_("Batches"), "inventory_2", "analytics_factbatch"),
            _page(_("Schedules"), "schedule", "django_celery_beat_periodictask"),
        ],
    },
]
