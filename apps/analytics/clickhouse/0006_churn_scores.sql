-- What was foretold of whom on a day, and by which model: the past is kept, so that it can be
-- checked once the horizon is over. Predictions, not facts.
CREATE TABLE IF NOT EXISTS churn_scores (
    scope LowCardinality(String) COMMENT 'network or business',
    business_id UUID COMMENT 'zeros for the network',
    scored_on Date,
    member UUID COMMENT 'surrogate id, never the member id',
    model UUID COMMENT 'zeros when none was in force',
    probability Decimal(6, 5) COMMENT 'of no purchase within the horizon',
    horizon UInt16,
    band LowCardinality(String),
    reasons Array(LowCardinality(String)),
    monthly Decimal(18, 2) COMMENT 'paid a month, ₽',
    held_out UInt8,
    computed_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(scored_on)
ORDER BY (scope, business_id, scored_on, member)
TTL scored_on + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 1000
