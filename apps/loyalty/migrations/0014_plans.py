"""Triggers keep one plan per connection, made for the first statement they see.

A bulk of a thousand rows into a small table plans a hash join with a scan of all lots; every single
purchase of that connection would scan them from then on. With nested loops only, rows are always
looked up by their key, which is right for one row and for a thousand.
"""

from django.db import migrations

FUNCTIONS = (
    "loyalty_apply_postings()",
    "loyalty_lots_born()",
    "loyalty_debts_born()",
    "loyalty_settled_touches_spent()",
)
JOINS = ("enable_hashjoin", "enable_mergejoin", "enable_seqscan")
BY_KEY = "".join(f"ALTER FUNCTION {name} SET {join} = off;" for name in FUNCTIONS for join in JOINS)
FREE = "".join(f"ALTER FUNCTION {name} RESET {join};" for name in FUNCTIONS for join in JOINS)


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0013_numbers")]

    operations = [migrations.RunSQL(BY_KEY, FREE)]
