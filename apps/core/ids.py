"""Identifiers: UUID version 7, so that new rows go to the end of every index."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A time-ordered UUID."""
    return uuid_utils.compat.uuid7()


def end_of(pk: object) -> str:
    """`A1B2C3`, the end of a UUID that people read aloud."""
    return str(pk)[-6:].upper()


def short(pk: object) -> str:
    """`…A1B2C3` of a UUID; anything else as it is."""
    text = str(pk)
    return f"…{end_of(text)}" if len(text) == 36 else text
