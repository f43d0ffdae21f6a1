"""A Huey task."""

import os

from huey import RedisHuey

import journal

huey = RedisHuey(url=os.environ["BROKER"])
work = huey.task()(journal.work)


@huey.on_shutdown()
def cleaned_up():
    journal.note("cleanup")


def enqueue(number, seconds):
    work(number, seconds)
