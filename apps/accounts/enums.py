from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Job(TextChoices):
    """What a person does here besides being a member. The tier is apart."""

    NONE = "", _("member")
    STAFF = "business_staff", _("staff")
    OWNER = "business_owner", _("owner")
    ADMIN = "admin", _("admin")
    SUPERADMIN = "superadmin", _("superadmin")


class TierCode(TextChoices):
    INSIDER = "insider", "Insider"
    VIP = "vip", "VIP"
    ELITE = "elite", "Elite"
    INNER_CIRCLE = "inner_circle", "Inner Circle"


class Purpose(TextChoices):
    """What a one-time code may be used for; a code of one purpose is useless for another."""

    SIGN_IN = "sign_in"
    STAFF_SIGN_IN = "staff_sign_in"
    PHONE_CHANGE = "phone_change"
    REDEMPTION = "redemption"
    ENROLMENT = "enrolment"


class SessionKind(TextChoices):
    """Where somebody is signed in: the app by tokens, a browser by its cookie."""

    APP = "app", _("app")
    WEB = "web", _("browser")


class ConsentPurpose(TextChoices):
    """What a person agrees to. Advertising is asked for each channel apart (38-FZ art. 18)."""

    PERSONAL_DATA = "personal_data", _("personal data")
    SPECIAL_DATA = "special_data", _("data about health")
    MARKETING_PUSH = "marketing_push", _("advertising by push")
    MARKETING_SMS = "marketing_sms", _("advertising by SMS")
    MARKETING_EMAIL = "marketing_email", _("advertising by e-mail")


class JobRequestState(TextChoices):
    OPEN = "open", _("waits for a second person")
    CONFIRMED = "confirmed", _("confirmed")
    DECLINED = "declined", _("declined")
    LAPSED = "lapsed", _("lapsed")


class RequestKind(TextChoices):
    ERASURE = "erasure", _("erasure")
    COPY = "copy", _("copy of her data")
    CORRECTION = "correction", _("correction")
    STOP = "stop", _("to stop processing")


class RequestState(TextChoices):
    OPEN = "open", _("open")
    DONE = "done", _("done")
    TAKEN_BACK = "taken_back", _("taken back")
