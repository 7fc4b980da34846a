"""Five outside systems on loopback, from one made-up world: for development and tests only.

* world: guests and sales, what happens to them, and the truth that a ledger must come to;
* faults: how a system misbehaves, for the next requests or by chance;
* server: HTTP on loopback, webhooks out;
* yclients, iiko, onec, amocrm, renovatio: each contract's own shapes.
"""
