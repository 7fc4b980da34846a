-- Returns stand beside sales as rows with negative sums: `sale_id` is the receipt they belong to,
-- `closes` says that nothing of it is left.
ALTER TABLE transaction_facts ADD COLUMN IF NOT EXISTS sale_id UUID DEFAULT transaction_id
-- next
ALTER TABLE transaction_facts ADD COLUMN IF NOT EXISTS closes UInt8 DEFAULT 0
