"""Who may do what: the one table, in the order of security.md part 2.

Derived from it: `permissions.Can` of every API view, `for_jobs` of every page, the rights of the
Django admin (`auth.JobBackend`), the services' own checks, and the test matrix. What has no row
here is closed. Where the comment says so, api.md overrides security.md: "A includes O and S
everywhere; SA includes A".
"""

from dataclasses import dataclass
from enum import Enum, Flag, auto

from apps.accounts.enums import Job, TierCode

# Rights at one business: a live membership holds them as object permissions, admins by job.
SELL, MANAGE = "businesses.enter_sales", "businesses.manage_business"
AT_BUSINESS = frozenset({SELL, MANAGE})
REASON_LEAST = 10  # characters


class Who(Flag):
    """Values add up: `STAFF_OF | OWNER_OF`. The last four are jobs, VIP and INNER are tiers."""

    PUBLIC = auto()
    MEMBER = auto()
    VIP = auto()
    INNER = auto()
    STAFF_OF = auto()
    OWNER_OF = auto()
    ADMIN = auto()
    SUPERADMIN = auto()


class Scope(Enum):
    """How far a right reaches: her own things, a business where she works, everything."""

    OWN = "own"
    BUSINESS = "business"
    ALL = "all"


NOBODY = Who(0)
PUBLIC, MEMBER, VIP, INNER, STAFF_OF, OWNER_OF, ADMIN, SUPERADMIN = Who
OWN, BUSINESS, ALL = Scope
TIERS = VIP | INNER
TILL = STAFF_OF | OWNER_OF


@dataclass(frozen=True)
class Row:
    """One action. `who` is the union of those who may, `but_not` is taken from it.

    `reason`: the service wants one, it lands in the audit. `fresh`: wants a second factor of the
    last 15 min (`freshness`). `second`: wants a second person. `masked`: phones are shown in part.
    `perms`: Django permissions that this row gives by job. `routes`: addresses of pages that no
    guard of ours stands before.
    """

    action: str
    who: Who
    scope: Scope = OWN
    but_not: Who = NOBODY
    fresh: bool = False
    reason: bool = False
    second: bool = False
    masked: bool = False
    perms: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()

    def opens_to(self, groups: Who) -> bool:
        return bool(self.who & groups) and not self.but_not & groups

    @property
    def permission(self) -> str:
        """What a membership must hold at the very business of the object."""
        return SELL if STAFF_OF in self.who else MANAGE


def held(*, job: str, tier: str = TierCode.INSIDER) -> Who:
    """What somebody who is signed in belongs to. Jobs and tiers include those below."""
    groups = PUBLIC | MEMBER
    if tier != TierCode.INSIDER:
        groups |= VIP
    if tier == TierCode.INNER_CIRCLE:
        groups |= INNER
    if job:
        groups |= STAFF_OF
    if job in (Job.OWNER, Job.ADMIN, Job.SUPERADMIN):
        groups |= OWNER_OF
    if job in (Job.ADMIN, Job.SUPERADMIN):
        groups |= ADMIN
    if job == Job.SUPERADMIN:
        groups |= SUPERADMIN
    return groups


def may(action: str, *, job: str, tier: str = TierCode.INSIDER) -> bool:
    """Whether the table opens this action; which object, is asked apart."""
    return TABLE[action].opens_to(held(job=job, tier=tier))


def seen(page: str, *models: str, masked: bool = False) -> Row:
    """A page of the Django admin that only shows: lists and records of these models."""
    perms = tuple(model.replace(".", ".view_") for model in models)
    return Row(f"admin.{page}.view", ADMIN, ALL, masked=masked, perms=perms)


OPEN_PAGES = (
    "",  # sends each job to its own place
    "biz/",
    "favicon.ico",
    "help/",
    "kassa/shell/",  # the till without a network: nobody is on it
    "kassa/worker.js",
    "language/",
    "login/",
    "login/code/",
    "login/first/",
    "login/setup/",
    "login/sms/",
    "login/sms/code/",
    "login/pin/",
    "logout/",
    "theme/",
)

ROWS = (
    # 1 sign-in
    Row("auth.send_code", PUBLIC),
    Row("auth.verify_code", PUBLIC),
    Row("auth.refresh", PUBLIC),
    Row("pages.open", PUBLIC, routes=OPEN_PAGES),
    Row("pages.recovery", TILL | ADMIN, routes=("login/recovery/",)),
    # showing the second factor again: whoever has one by her job, in the API anybody signed in
    Row("pages.confirm", OWNER_OF),
    Row("auth.confirm", MEMBER),
    # 2-6 her own profile, sessions, consents, copy, erasure. api.md: M; a member has no second
    # factor that could be fresh
    Row("users.me.read", MEMBER),
    Row("users.me.change", MEMBER),
    Row("users.me.phone", MEMBER),  # fresh by its nature: codes to both numbers
    Row("users.me.overview", MEMBER),
    Row("users.me.sessions", MEMBER),
    Row("users.me.consents", MEMBER),
    Row("users.me.export", MEMBER),
    Row("users.me.erase", MEMBER),
    Row("users.me.devices", MEMBER),
    Row("users.me.notifications", MEMBER),
    # 7-9 her own bonuses and card. api.md: M, so also for whoever has a job
    Row("loyalty.read", MEMBER),
    Row("loyalty.redeem", MEMBER),
    Row("loyalty.gift", MEMBER),
    Row("loyalty.referral", MEMBER),
    seen("rewards", "loyalty.referral", "loyalty.badge", "loyalty.badgeaward"),
    Row("users.me.card", MEMBER),
    # 36, 37 the offer constructor; above a limit a second person approves
    Row("offers.manage", OWNER_OF, BUSINESS),
    seen("offers", "loyalty.offerconstructor", "loyalty.offerversion", "loyalty.offeruse"),
    seen("offer_parts", "loyalty.offerfunder", "loyalty.offerspan"),
    Row(
        "offers.review",
        ADMIN,
        ALL,
        reason=True,
        second=True,
        perms=("loyalty.change_offerconstructor",),
    ),
    # 36 lists of members that an offer may address
    seen("segments", "loyalty.segmententry"),
    Row("segments.change", ADMIN, ALL, reason=True),
    # 12-24 events (events.md, api.md). Whoever proposed one hosts it: which one is hers, the
    # services ask
    Row("events.read", MEMBER, ALL),
    Row("events.propose", VIP | OWNER_OF),
    Row("events.change", VIP | OWNER_OF, BUSINESS),
    Row("events.vote", MEMBER, ALL),
    Row("events.register", MEMBER, ALL),
    Row("events.mine", MEMBER),
    Row("events.feedback", MEMBER, ALL),
    Row("events.feed", PUBLIC),  # behind a secret address
    Row("events.moderate", INNER | ADMIN, ALL),
    Row("events.cancel", MEMBER, BUSINESS),
    Row("events.attendees", MEMBER, BUSINESS),
    Row("events.check_in", MEMBER, BUSINESS),
    seen("events", "events.event", "events.eventchange", "events.seat", "events.case"),
    seen(
        "event_guests",
        "events.eventregistration",
        "events.registrationchange",
        "events.penalty",
        "events.scan",
        "events.voterecord",
    ),
    Row("events.curate", ADMIN, ALL, reason=True, perms=("events.change_event",)),
    # check-in pages: those who stand at the host partner's till, its owner, whoever proposed the
    # event, admins
    Row("pages.door", TILL | VIP, BUSINESS, masked=True),
    # 25-31 the till. api.md: A includes S; the till's pages stay for those who stand there
    Row("transactions.list", MEMBER | TILL, BUSINESS),
    Row("transactions.read", MEMBER | TILL, BUSINESS),
    Row("transactions.quote", TILL, BUSINESS, masked=True),
    Row("transactions.record", TILL, BUSINESS, masked=True),
    Row("transactions.spend_code", TILL, BUSINESS, masked=True),
    # 29, 30 returns, and bonuses spent without the guest's confirmation: the owner's word
    Row("transactions.refund", OWNER_OF, BUSINESS, reason=True),
    Row("transactions.spend_unconfirmed", OWNER_OF, BUSINESS, reason=True),
    Row("transactions.summary", MEMBER | OWNER_OF, BUSINESS),
    Row("pages.till", TILL, BUSINESS, but_not=ADMIN, masked=True),
    # 34 figures of a business
    Row("analytics.read", OWNER_OF, BUSINESS),
    Row("pages.owner", OWNER_OF, BUSINESS, masked=True),
    # 36 files of sales and guests
    Row("pages.export", OWNER_OF, BUSINESS, fresh=True, masked=True),
    # 7, 31, 37 coupons: her own; used at the till; campaigns of a business
    Row("coupons.own", MEMBER),
    Row("coupons.claim", MEMBER),
    Row("coupons.validate", TILL, BUSINESS, masked=True),
    Row("coupons.redeem", TILL, BUSINESS, masked=True),
    Row("coupons.campaigns", OWNER_OF, BUSINESS),
    # 39 chains between partners. The network reads them all, and speaks for a partner with a reason
    Row("chains.own", OWNER_OF, BUSINESS),
    Row("chains.oversee", ADMIN, ALL),
    Row("chains.decide", ADMIN, ALL, reason=True, perms=("crosspromo.change_chain",)),
    # 42, 53 who works at a business. Roles of the network are further down
    Row("staff.change", OWNER_OF, BUSINESS),
    Row("pages.staff", OWNER_OF, BUSINESS, masked=True),
    Row("pages.settings", OWNER_OF, BUSINESS),
    # 45 what bonuses may pay of a bill: the owner's own, with a fresh factor
    Row("businesses.rates", OWNER_OF, BUSINESS, fresh=True),
    # 45 requisites: an owner asks, an administrator compares the papers and answers
    Row("businesses.requisites", OWNER_OF, BUSINESS, fresh=True),
    Row("requisites.answer", ADMIN, ALL, reason=True, second=True),
    seen("staff", "businesses.membership"),
    # 45, 46 partners: admins open, change, suspend
    seen("businesses", "businesses.business", "businesses.location"),
    Row("catalogue.read", PUBLIC, routes=("photos/<uuid:photo_id>.jpg",)),
    Row("businesses.list", ADMIN, ALL),
    Row("businesses.move", ADMIN, ALL),  # api.md asks for no reason here; one may be given
    Row("businesses.present", OWNER_OF, BUSINESS),
    Row("businesses.open", ADMIN, ALL, perms=("businesses.add_business",)),
    Row("businesses.change", ADMIN, ALL, reason=True, perms=("businesses.change_business",)),
    Row("businesses.waive", SUPERADMIN, ALL, reason=True),  # a step of opening a partner
    # 47, 48 people; the whole phone
    Row("admin.enter", ADMIN, ALL),
    seen("people", "accounts.user", masked=True),
    Row("users.list", ADMIN, ALL, masked=True),
    Row("users.read", ADMIN, ALL, masked=True),
    Row("users.unmask", ADMIN, ALL, fresh=True, reason=True),
    # 50 blocking, ending sessions
    Row("users.block", ADMIN, ALL, reason=True),
    Row("users.unblock", ADMIN, ALL, reason=True),
    seen("sessions", "accounts.session", "accounts.trusteddevice"),
    Row("sessions.end", ADMIN, ALL, reason=True, perms=("accounts.change_session",)),
    # 51 a tier by hand
    Row("users.tier", ADMIN, ALL, fresh=True, reason=True),
    # 52 privacy: what was agreed to, asked for, erased
    seen("privacy", "accounts.consent", "accounts.consenttext", "accounts.privacyrequest"),
    Row("privacy.serve", ADMIN, ALL, fresh=True, reason=True),
    seen("erasures", "accounts.erasure"),
    # 53 roles: never by a form, so no Django permission stands here
    Row("users.role", SUPERADMIN, ALL, fresh=True, reason=True, second=True),
    seen("job_requests", "accounts.jobrequest"),
    # 55-57 what nobody changes or deletes: the audit log, the ledger, sales
    seen("audit", "core.auditentry", "core.auditseal"),
    Row("audit.read", ADMIN, ALL),
    Row("audit.export", ADMIN, ALL, reason=True),
    # control pages: queues and decisions; moderation is the Inner Circle's too
    Row("pages.moderation", INNER | ADMIN, ALL),
    Row("pages.control", ADMIN, ALL, masked=True),
    Row("pages.roles", SUPERADMIN, ALL),
    seen("ledger", "loyalty.wallet", "loyalty.journal", "loyalty.posting", "loyalty.hold"),
    seen("lots", "loyalty.lot", "loyalty.debt", "loyalty.gift", "loyalty.notice"),
    # 33 a balance moved by hand: above a limit by two
    seen("adjustments", "loyalty.adjustment"),
    Row("users.adjust", ADMIN, ALL, fresh=True, reason=True, second=True),
    # 40, 41 mutual settlement: owners answer their lines; months are closed by the clock alone
    Row("settlement.read", ADMIN, ALL),
    Row("settlement.answer", OWNER_OF, BUSINESS, reason=True),
    Row("pages.settlement", OWNER_OF, BUSINESS, fresh=True),
    Row("liability.read", ADMIN, ALL),
    seen("settlement", "loyalty.statement", "loyalty.statementline", "loyalty.terms"),
    Row("terms.change", ADMIN, ALL, reason=True, perms=("loyalty.change_terms",)),
    seen("sales", "transactions.transaction", "transactions.transactionitem"),
    seen("refunds", "transactions.refund", "transactions.spending"),
    # patterns that look like fraud: admins read and settle them, nobody deletes them
    seen("flags", "transactions.fraudflag"),
    Row("flags.settle", ADMIN, ALL, reason=True, perms=("transactions.change_fraudflag",)),
    seen(
        "coupons",
        "coupons.campaign",
        "coupons.coupon",
        "coupons.redemption",
        "coupons.funder",
        "coupons.charge",
        masked=True,
    ),
    seen(
        "chains",
        "crosspromo.chain",
        "crosspromo.version",
        "crosspromo.step",
        "crosspromo.acceptance",
        "crosspromo.run",
        "crosspromo.mint",
    ),
    # 58 dictionaries
    seen("tiers", "accounts.statustier", "accounts.tierversion", "accounts.tierchange"),
    Row("tiers.change", ADMIN, ALL, reason=True, perms=("accounts.change_statustier",)),
    # 58 the numbers of the programme; what an admin moves alone is set by the superadmin (59)
    seen("loyalty_settings", "loyalty.loyaltysettings"),
    Row(
        "loyalty_settings.change",
        ADMIN,
        ALL,
        fresh=True,
        reason=True,
        perms=("loyalty.change_loyaltysettings",),
    ),
    # 59 limits of codes
    seen("code_limits", "accounts.codelimits"),
    Row(
        "code_limits.change",
        SUPERADMIN,
        ALL,
        fresh=True,
        reason=True,
        perms=("accounts.change_codelimits",),
    ),
    # messages: texts, providers, dead letters; a broadcast above 1,000 people wants a second person
    seen("messages", "notifications.notification", "notifications.attempt"),
    seen("suppressions", "notifications.suppression"),
    Row(
        "messages.retry",
        ADMIN,
        ALL,
        reason=True,
        perms=("notifications.change_notification",),
    ),
    seen("message_texts", "notifications.template"),
    Row("message_texts.change", ADMIN, ALL, reason=True, perms=("notifications.change_template",)),
    seen("message_providers", "notifications.provider"),
    Row(
        "message_providers.change",
        ADMIN,
        ALL,
        reason=True,
        perms=("notifications.change_provider",),
    ),
    seen("broadcasts", "notifications.broadcast"),
    Row("broadcasts.send", ADMIN, ALL, second=True, perms=("notifications.change_broadcast",)),
    Row("messages.leave", PUBLIC),
    Row("messages.callback", PUBLIC),
    # 60 the machine room
    Row("health.deep", ADMIN, ALL),
    seen("outbox", "core.message", "core.delivery", "core.idempotencykey"),
    Row("outbox.retry", ADMIN, ALL, reason=True, perms=("core.change_delivery",)),
    seen("batches", "analytics.factbatch"),
    seen(
        "schedules",
        "django_celery_beat.periodictask",
        "django_celery_beat.crontabschedule",
        "django_celery_beat.intervalschedule",
    ),
    # 43, 44 partners' own systems: an owner connects hers, a free address is for superadmins
    Row("crm.change", OWNER_OF, BUSINESS),
    Row("crm.keys", OWNER_OF, BUSINESS, fresh=True),
    Row("pages.crm", OWNER_OF, BUSINESS, masked=True),
    Row("crm.free_address", SUPERADMIN, ALL),
    Row("integrations.list", ADMIN, ALL),
    Row("integrations.change", ADMIN, ALL, fresh=True),
    Row("integrations.sync", ADMIN, ALL),
    Row("pages.integrations", ADMIN, ALL),
    seen("crm", "crm.crmintegration", "crm.syncrun", "crm.externalrecord", "crm.duplicatemerge"),
    Row("crm.poll", ADMIN, ALL, reason=True, perms=("crm.change_crmintegration",)),
    # calls of outside systems: no session, each proves itself (security.md part 6)
    Row("webhooks.crm", PUBLIC, routes=("webhooks/crm/<str:key>",)),
    # 61 the contract and signing keys. api.md: open, the app is built against them
    Row("docs.read", PUBLIC, routes=("openapi.json", "docs", "redoc", ".well-known/jwks.json")),
    Row("health.read", PUBLIC, routes=("health/live", "health/ready")),
    # Prometheus brings a token of its own; without it the address is not there
    Row("metrics.read", PUBLIC, routes=("metrics",)),
)

TABLE = {row.action: row for row in ROWS}
BY_PERM = {perm: row for row in ROWS for perm in row.perms}
BY_ROUTE = {route: row for row in ROWS for route in row.routes}
