"""People.

* StatusTier: the four tiers with their rates and thresholds; rows an admin may change.
* TierVersion: terms of a tier that were replaced. TierChange: who moved from which tier when.
* User: a person. Phone, e-mail and birth date are sealed with her own data key; blind indexes
  find her by exact phone or e-mail. `tier` is what she is as a member, `job` what she does here.
* Session: one device signed in; a refresh token works once and its id is rotated here.
* TrustedDevice, StaffPin: a computer of a till, and the PIN that unlocks it for one person.
* TOTPDevice: her code app, a second factor with a sealed seed.
* OneTimeCode: a code sent by SMS, stored hashed, good once, newest only. CodeLimits: one row.
* PhoneMove: a new number that waits 72 hours, for the old one was not at hand.
* Invitation: a link for the first password of somebody who was let work somewhere.
* JobRequest: a job at the network that waits for a second superadmin.
* MemberCard: the secret of her changing QR.
* ConsentText, Consent, PrivacyRequest, Erasure: what she agreed to, asked for, and her erasure.

Invariants: nobody is a Django superuser; an erased person keeps her row and loses her data.
"""

from apps.accounts.models.cards import MemberCard
from apps.accounts.models.codes import CodeLimits, OneTimeCode
from apps.accounts.models.invitations import Invitation
from apps.accounts.models.job_requests import JobRequest
from apps.accounts.models.people import StatusTier, User, UserManager
from apps.accounts.models.phone_moves import PhoneMove
from apps.accounts.models.privacy import Consent, ConsentText, Erasure, PrivacyRequest
from apps.accounts.models.second_factor import TOTPDevice
from apps.accounts.models.sessions import Session, StaffPin, TrustedDevice
from apps.accounts.models.tiers import TierChange, TierVersion

__all__ = [
    "CodeLimits",
    "Consent",
    "ConsentText",
    "Erasure",
    "Invitation",
    "JobRequest",
    "MemberCard",
    "OneTimeCode",
    "PhoneMove",
    "PrivacyRequest",
    "Session",
    "StaffPin",
    "StatusTier",
    "TOTPDevice",
    "TierChange",
    "TierVersion",
    "TrustedDevice",
    "User",
    "UserManager",
]
