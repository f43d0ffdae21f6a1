"""A Celery application whose tasks write down when they start and when they end."""

import os
import time

from celery import Celery
from celery.signals import worker_shutdown, worker_shutting_down
from journal import note

app = Celery("tasks", broker=os.environ.get("BROKER", "redis://redis:6379/0"))
app.conf.broker_connection_retry_on_startup = True
# Take one task at a time, so that what a killed worker had not begun is not counted against it.
app.conf.worker_prefetch_multiplier = 1


@app.task
def work(number, seconds):
    note("start", number)
    time.sleep(seconds)
    note("end", number)


def enqueue(number, seconds):
    work.delay(number, seconds)


@worker_shutting_down.connect
def heard(sig, **_):
    note("signal", sig)


@worker_shutdown.connect
def cleaned_up(**_):
    note("cleanup")
