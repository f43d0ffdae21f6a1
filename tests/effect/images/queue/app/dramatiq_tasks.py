"""A Dramatiq actor."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

import journal


class CleanUp(dramatiq.Middleware):
    def after_worker_shutdown(self, broker, worker):
        journal.note("cleanup")


broker = RedisBroker(url=os.environ["BROKER"])
broker.add_middleware(CleanUp())
dramatiq.set_broker(broker)
work = dramatiq.actor(journal.work)


def enqueue(number, seconds):
    work.send(number, seconds)
