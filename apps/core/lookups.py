"""Lookups of ours."""

from typing import Any

from django.db.models import Field, Lookup


@Field.register_lookup
class OneOf(Lookup):
    """`in` for many values: one array instead of a parameter each. A statement of a thousand
    parameters is composed, sent and planned anew for every number of them."""

    lookup_name = "one_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        values = [self.lhs.output_field.get_db_prep_value(one, connection) for one in self.rhs]
        return f"{column} = ANY(%s)", (*params, values)
