"""Identifiers: UUID version 7, so that new rows go to the end of every index."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A time-ordered UUID."""
    return uuid_utils.compat.uuid7()
