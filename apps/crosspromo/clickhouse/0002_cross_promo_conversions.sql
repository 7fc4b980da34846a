-- What became of guests whom a chain chose, by the hour of their exposure: counters only, never a
-- rate. An hour is recomputed as a whole until its last coupon has lapsed, and replaces itself, so
-- late redemptions and returns are in. No member stands here, not even under a surrogate.
CREATE TABLE IF NOT EXISTS cross_promo_conversions (
    window UInt16 COMMENT 'days in which a purchase counts',
    hour DateTime('UTC'),
    from_business UUID,
    to_business UUID,
    arm LowCardinality(String) COMMENT 'treated, control, or before the chain began',
    exposed UInt32,
    converted UInt32,
    returned UInt32 COMMENT 'came back to from_business itself',
    revenue Decimal(18, 2),
    revenue_squares Decimal(38, 4),
    discount Decimal(18, 2),
    bonus_cost Decimal(18, 2),
    cost_to Decimal(18, 2) COMMENT 'of discount and bonuses, paid by to_business',
    cost_from Decimal(18, 2) COMMENT 'of discount and bonuses, paid by from_business',
    fee Decimal(18, 2) COMMENT 'paid by to_business to from_business',
    computed_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(hour)
ORDER BY (from_business, to_business, window, hour, arm)
SETTINGS non_replicated_deduplication_window = 1000
