"""Start-up checks: a typo stops the deploy and not the message."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, register
from django.utils.module_loading import import_string

from apps.core.facts import FACTS
from apps.core.outbox import BATCH, listeners


@register()
def every_listener_imports(**_: Any) -> list[Error]:
    """Each name in the outbox dictionary is importable and its topic is a known fact."""
    problems = []
    for topic, names in listeners().items():
        if topic not in FACTS:
            problems.append(Error(f"No fact is called {topic}.", id="core.E001"))
        for name in names:
            try:
                import_string(name.removesuffix(BATCH))
            except ImportError as wrong:
                problems.append(Error(f"Listener {name}: {wrong}", id="core.E002"))
    return problems


@register()
def every_beat_entry_is_a_task(**_: Any) -> list[Error]:
    """Each entry of the schedule names something that a worker can run."""
    problems = []
    for name, entry in settings.CELERY_BEAT_SCHEDULE.items():
        try:
            task = import_string(entry["task"])
        except ImportError as wrong:
            problems.append(Error(f"Schedule {name}: {wrong}", id="core.E003"))
        else:
            if not hasattr(task, "apply_async"):
                problems.append(Error(f"Schedule {name}: {task!r} is no task.", id="core.E003"))
    return problems


@register()
def every_gateway_can_be_had(**_: Any) -> list[Error]:
    """Somebody carries codes, and each class named for codes, calls and messages can be made."""
    carriers = [*settings.SMS_GATEWAYS, settings.CALL_GATEWAY, *settings.MESSAGE_PROVIDERS.values()]
    problems = []
    if not any(settings.SMS_GATEWAYS):
        problems.append(
            Error("SMS_GATEWAY names nobody: no code would ever leave.", id="core.E004")
        )
    for name in filter(None, carriers):
        try:
            import_string(name)()
        except (ImportError, TypeError) as wrong:
            problems.append(Error(f"Gateway {name}: {wrong}", id="core.E005"))
    return problems
