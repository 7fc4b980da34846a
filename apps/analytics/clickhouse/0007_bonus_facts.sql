-- Movements of the ledger: each lot that is born and each posting, once. They never change. Open at
-- a day is what entered pending, available and held by then, less what left them.
CREATE TABLE IF NOT EXISTS bonus_facts (
    business_id UUID COMMENT 'who pays for the lot',
    stream LowCardinality(String) COMMENT 'born: a lot; moved: a posting',
    entry_id UInt64 COMMENT 'number of the lot or of the posting',
    lot_id UInt64,
    member UUID COMMENT 'surrogate id, never the member id',
    operation LowCardinality(String) COMMENT 'kind of the journal row',
    src LowCardinality(String) COMMENT 'empty for a birth',
    dst LowCardinality(String),
    amount Decimal(18, 2) COMMENT 'bonuses',
    acceptor Nullable(UUID) COMMENT 'who accepted a spent bonus',
    rate_bp UInt16 COMMENT 'cost of a bonus to its issuer, basis points',
    born_on Date,
    expires_on Date,
    at DateTime64(6, 'UTC'),
    local_day Date COMMENT 'in the zone of the issuer',
    version UInt64,
    is_deleted UInt8 DEFAULT 0
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(local_day)
ORDER BY (business_id, local_day, stream, entry_id)
SETTINGS non_replicated_deduplication_window = 1000
