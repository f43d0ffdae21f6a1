"""An RQ job."""

import os

from journal import work
from redis import Redis
from rq import Queue


def enqueue(number, seconds):
    Queue(connection=Redis.from_url(os.environ["BROKER"])).enqueue(work, number, seconds)
