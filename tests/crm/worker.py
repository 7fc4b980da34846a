"""A worker in a process of its own, for the test that kills it. Importing this sets Django up, so
that a server of forks has done it once for fifty of them."""

import os
import random

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "svoykrug.settings")
django.setup()

from apps.crm import tasks  # noqa: E402 - after the set-up
from apps.crm.enums import Trigger  # noqa: E402


def work(integration_ids: list[str], seed: int) -> None:
    """All that Beat and the broker ask of the hub, in any order, until somebody ends it."""
    dice = random.Random(seed)
    while True:
        for integration_id in dice.sample(integration_ids, len(integration_ids)):
            tasks.sync_integration(integration_id=integration_id, trigger=Trigger.HAND)
            dice.choice(
                [
                    tasks.process_waiting_webhooks,
                    tasks.continue_backfills,
                    tasks.reconcile_duplicates,
                ]
            )()
