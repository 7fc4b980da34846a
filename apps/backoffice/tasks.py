"""Work of the pages that nobody waits for."""

from uuid import UUID

from celery import shared_task

from apps.backoffice import exports


@shared_task
def make_export(*, export_id: str, **_: object) -> bool:
    """A file of a list. Rung twice it is made once."""
    return exports.make_export(export_id=UUID(export_id))
