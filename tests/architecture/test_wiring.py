"""Names in settings that Python sees only when they are used."""

import inspect

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from apps.core.facts import FACTS
from apps.core.outbox import BATCH, listeners
from svoykrug.celery import app

HEARS = [(topic, name) for topic, names in listeners().items() for name in names]
SCHEDULE = settings.CELERY_BEAT_SCHEDULE.items()


@pytest.mark.parametrize(("topic", "name"), HEARS)
def test_listener_imports_and_hears_a_known_fact(topic: str, name: str) -> None:
    found = import_string(name.removesuffix(BATCH))

    assert topic in FACTS
    if not name.endswith(BATCH):
        assert list(inspect.signature(found).parameters)[-1] == "message_id"


def test_listeners_of_batches_name_themselves() -> None:
    """The loader collects its deliveries by this very name."""
    batches = {name for _topic, name in HEARS if name.endswith(BATCH)}

    assert {import_string(name.removesuffix(BATCH)).listener for name in batches} == batches


@pytest.mark.parametrize(("name", "entry"), SCHEDULE, ids=[name for name, _entry in SCHEDULE])
def test_schedule_names_a_registered_task(name: str, entry: dict[str, object]) -> None:
    app.loader.import_default_modules()

    assert entry["task"] in app.tasks


def test_every_task_tolerates_arguments_it_does_not_know() -> None:
    """A deploy meets messages of the version before and of the version after."""
    app.loader.import_default_modules()
    ours = {name: task for name, task in app.tasks.items() if name.startswith("apps.")}

    strict = [
        name
        for name, task in ours.items()
        if not any(
            parameter.kind is parameter.VAR_KEYWORD
            for parameter in inspect.signature(task.run).parameters.values()
        )
    ]

    assert ours
    assert strict == []
