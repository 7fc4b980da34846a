"""Where values lie that are sealed with the field keys: what `rotate_field_keys` goes through.

A person's own fields are not here: they are sealed with her data key, and only that key with the
field keys. A new column sealed by `sealing.seal` is added here; the journey of leaks finds one
that was forgotten.
"""

from apps.core.key_rotation import SealedColumn

COLUMNS = [
    SealedColumn("accounts_user", "data_key", "person.data_key"),
    SealedColumn("accounts_onetimecode", "phone_sealed", "code.phone"),
    SealedColumn("core_idempotencykey", "answer", "idempotency.answer", owner="key"),
    SealedColumn("accounts_totpdevice", "seed_sealed", "totp.seed", owner="user_id"),
    SealedColumn("crm_crmintegration", "credentials_sealed", "crm.credentials"),
    SealedColumn("crm_crmintegration", "tokens_sealed", "crm.tokens"),
    SealedColumn("crm_crmintegration", "webhook_sealed", "crm.webhook"),
    SealedColumn("crm_crmintegration", "secret_sealed", "crm.secret"),
    SealedColumn("crm_crmintegration", "secret_before_sealed", "crm.secret_before"),
]
