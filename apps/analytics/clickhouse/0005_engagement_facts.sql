-- What members do beside buying: registrations, check-ins, votes, coupons, messages. One row for one
-- thing that happened; a vote that was changed is one vote, its last.
CREATE TABLE IF NOT EXISTS engagement_facts (
    business_id UUID COMMENT 'zeros for the network',
    kind LowCardinality(String),
    subject UUID COMMENT 'registration, event, coupon or message',
    member UUID COMMENT 'surrogate id, never the member id',
    detail LowCardinality(String) COMMENT 'state, origin or kind of message; never a text',
    channel LowCardinality(String),
    campaign_id Nullable(UUID),
    transaction_id Nullable(UUID),
    weight UInt8,
    amount Decimal(18, 2) COMMENT 'discount of a redeemed coupon',
    occurred_at DateTime64(6, 'UTC'),
    local_day Date COMMENT 'in the zone of the business',
    version UInt64,
    is_deleted UInt8 DEFAULT 0
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(local_day)
ORDER BY (business_id, kind, local_day, subject, member)
SETTINGS non_replicated_deduplication_window = 1000
