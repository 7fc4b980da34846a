"""The Celery application: `celery -A svoykrug worker`, `celery -A svoykrug beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "svoykrug.settings")

app = Celery("svoykrug", task_cls="apps.core.jobs:WatchedTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
