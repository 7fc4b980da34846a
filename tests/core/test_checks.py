"""A typo stops the deploy and not the message."""

import pytest
from django.core.checks import run_checks

from apps.core import checks, outbox

NOT_A_FUNCTION = {"MemberJoined": ["tests.core.test_checks.nothing_here"]}
NO_MODULE = {"MemberJoined": ["apps.no_such_app.consumers.hear"]}
NO_DOTS = {"MemberJoined": ["hear"]}
NO_FACT = {"MemberLeft": []}
BATCH = {"MemberJoined": ["tests.core.test_checks.BATCH@batch"]}
BATCH_TYPO = {"MemberJoined": ["tests.core.test_checks.BATCHES@batch"]}


@pytest.fixture(autouse=True)
def _fresh_listeners():
    outbox.listeners.cache_clear()
    yield
    outbox.listeners.cache_clear()


def problems(settings, name):
    settings.OUTBOX_LISTENERS = f"tests.core.test_checks.{name}"
    return [problem.id for problem in checks.every_listener_imports()]


def test_the_projects_own_names_are_right():
    assert [problem for problem in run_checks() if problem.id.startswith("core.")] == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("NOT_A_FUNCTION", ["core.E002"]),
        ("NO_MODULE", ["core.E002"]),
        ("NO_DOTS", ["core.E002"]),
        ("BATCH_TYPO", ["core.E002"]),
        ("NO_FACT", ["core.E001"]),
        ("BATCH", []),
    ],
)
def test_a_typo_among_the_listeners_is_an_error(settings, name, found):
    assert problems(settings, name) == found


def test_the_error_names_the_listener(settings):
    settings.OUTBOX_LISTENERS = "tests.core.test_checks.NO_MODULE"

    [problem] = checks.every_listener_imports()

    assert "apps.no_such_app.consumers.hear" in problem.msg
    assert problem.is_serious()


@pytest.mark.parametrize(
    "task", ["apps.core.tasks.no_such_task", "apps.no_such.tasks.x", "apps.core.tasks.timedelta"]
)
def test_a_typo_in_the_schedule_is_an_error(settings, task):
    settings.CELERY_BEAT_SCHEDULE = {"broken": {"task": task, "schedule": 5}}

    [problem] = checks.every_beat_entry_is_a_task()

    assert (problem.id, "broken" in problem.msg) == ("core.E003", True)


def test_the_checks_run_with_the_others(settings):
    settings.CELERY_BEAT_SCHEDULE = {"broken": {"task": "apps.core.tasks.x", "schedule": 5}}

    assert "core.E003" in [problem.id for problem in run_checks()]


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"SMS_GATEWAYS": []}, ["core.E004"]),
        ({"SMS_GATEWAYS": [""]}, ["core.E004"]),
        ({"SMS_GATEWAYS": ["apps.core.gateways.sms.SmsRuh"]}, ["core.E005"]),
        ({"CALL_GATEWAY": "apps.core.gateways.sms.post"}, ["core.E005"]),
        ({"CALL_GATEWAY": ""}, []),
        ({"MESSAGE_PROVIDERS": {"push": "", "sms": "apps.nobody.Sms"}}, ["core.E005"]),
    ],
)
def test_a_typo_among_the_gateways_is_an_error(settings, changed, found):
    for name, value in changed.items():
        setattr(settings, name, value)

    assert [problem.id for problem in checks.every_gateway_can_be_had()] == found
