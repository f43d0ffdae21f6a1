"""Jobs for Sidekiq, as its Ruby client writes them."""

import json
import os
import time
import uuid

from redis import Redis


def enqueue(number, seconds):
    job = {
        "class": "Work",
        "args": [number, seconds],
        "jid": uuid.uuid4().hex[:24],
        "queue": "default",
        "retry": True,
        "created_at": time.time(),
        "enqueued_at": time.time(),
    }
    redis = Redis.from_url(os.environ["BROKER"])
    redis.sadd("queues", "default")
    redis.lpush("queue:default", json.dumps(job))
