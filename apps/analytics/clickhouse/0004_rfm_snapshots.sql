-- Who stood where on a day: raw figures beside their scores. Reckoning a day again replaces it.
CREATE TABLE IF NOT EXISTS rfm_snapshots (
    scope LowCardinality(String) COMMENT 'network or business',
    business_id UUID COMMENT 'zeros for the network',
    snapshot_date Date,
    member UUID COMMENT 'surrogate id, never the member id',
    recency UInt32 COMMENT 'days since the last purchase',
    frequency UInt32 COMMENT 'days with purchases in the last 365',
    money Decimal(18, 2) COMMENT 'paid in the last 365 days, net of returns',
    r UInt8,
    f UInt8,
    m UInt8,
    segment LowCardinality(String),
    population UInt32,
    method LowCardinality(String) COMMENT 'quantile, preliminary or fixed',
    horizon UInt16 COMMENT 'days without a purchase after which a guest counts as gone',
    rule_version UInt8,
    computed_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(snapshot_date)
ORDER BY (scope, business_id, snapshot_date, member)
