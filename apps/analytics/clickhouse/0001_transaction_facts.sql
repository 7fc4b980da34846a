-- Sales and refunds as signed rows. The version grows with the outbox, so a row sent twice, even
-- outside of the token's window, collapses to one. Nothing in ORDER BY or PARTITION BY ever changes.
CREATE TABLE IF NOT EXISTS transaction_facts (
    transaction_id UUID,
    business_id UUID,
    location_id Nullable(UUID),
    member UUID COMMENT 'surrogate id, never the member id',
    kind LowCardinality(String),
    category LowCardinality(String),
    source LowCardinality(String),
    amount Decimal(18, 2),
    to_pay Decimal(18, 2),
    bonus_accrued Decimal(18, 2),
    bonus_spent Decimal(18, 2),
    purchased_at DateTime64(6, 'UTC'),
    local_day Date COMMENT 'in the zone of the business',
    local_hour UInt8,
    local_weekday UInt8 COMMENT '1 is Monday',
    version UInt64,
    is_deleted UInt8 DEFAULT 0
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(local_day)
ORDER BY (business_id, local_day, transaction_id)
SETTINGS non_replicated_deduplication_window = 1000
