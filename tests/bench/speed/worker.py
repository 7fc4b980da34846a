"""The product's Celery application with one task more, which takes its time and leaves a trace in
Redis when it begins and when it ends."""

import time

from django_redis import get_redis_connection

from svoykrug.celery import app

TOOK = 0.5  # seconds
BEGUN, ENDED = "bench:stop:begun", "bench:stop:ended"


@app.task(ignore_result=True)
def take_time(number: int) -> None:
    line = get_redis_connection("default")
    line.rpush(BEGUN, number)
    time.sleep(TOOK)
    line.rpush(ENDED, number)
